// Positions of rows and columns on the screen, computed from numbers only.
export const ROW = 24;
// Browsers limit the height of an element to about 16 million pixels; beyond this height, a pixel represents several rows.
export const MAX_HEIGHT = 8_000_000;

const within = (value, least, most) => Math.min(Math.max(value, least), most);

export const scrollHeight = (total) => Math.min(total * ROW, MAX_HEIGHT);

export const isScaled = (total) => total * ROW > MAX_HEIGHT;

// The highest possible first row: with it, the last row of the table is at the bottom.
export const maxFirstRow = (total, tall) => Math.max(total - tall / ROW, 0);

// The first row, with its fraction, at a scroll position.
export function firstRowAt(top, total, tall) {
  const range = scrollHeight(total) - tall;
  return range > 0 ? within(top / range, 0, 1) * maxFirstRow(total, tall) : 0;
}

// The scroll position of a first row.
export function scrollTopOf(first, total, tall) {
  const most = maxFirstRow(total, tall);
  return most > 0 ? (within(first, 0, most) / most) * (scrollHeight(total) - tall) : 0;
}

// The first row that makes another row completely visible, with the least scrolling.
export function reveal(row, first, total, tall) {
  const least = row + 1 - tall / ROW;
  return within(row < first ? row : first < least ? least : first, 0, maxFirstRow(total, tall));
}

// The start of each column, and the end of the last one.
export function columnEdges(widths) {
  const found = [0];
  for (const width of widths) found.push(found.at(-1) + width);
  return found;
}

// The range of columns (end exclusive) that is visible between two positions.
export function columnsBetween(left, right, at) {
  const last = at.length - 1;
  let from = at.findIndex((_, index) => index === last || at[index + 1] > left);
  from = Math.min(from, Math.max(last - 1, 0));
  let to = from;
  while (to < last && at[to] < right) to += 1;
  return [from, to];
}

// Whether a block of cells contains all visible cells.
export function covers(block, [from, to], [left, right]) {
  if (!block) return false;
  const deep = block.first <= from && to <= block.first + block.cells.length;
  return (deep || from >= to) && block.left <= left && right <= block.left + block.wide;
}

// The sort order after a click on a column: ascending, descending, none; ``further`` keeps the other columns.
export function toggleSort(sort, column, further) {
  const at = sort.findIndex(([one]) => one === column);
  const next = at < 0 ? [[column, "asc"]] : sort[at][1] === "asc" ? [[column, "desc"]] : [];
  if (!further) return next;
  return at < 0 ? [...sort, ...next] : [...sort.slice(0, at), ...next, ...sort.slice(at + 1)];
}

// The row (from 0) that the user enters as "4,999,999"; null if it is not a row number.
export function parseRowNumber(text, total) {
  const number = Number(text.replace(/[\s,_.'’]/g, "") || NaN);
  return Number.isInteger(number) && number >= 1 && number <= total ? number - 1 : null;
}

export const formatInteger = (number) => String(number).replace(/\B(?=(\d{3})+$)/g, ",");

export const formatRowCount = (number) => `${formatInteger(number)} row${number === 1 ? "" : "s"}`;
