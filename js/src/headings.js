// The headings of a table: a name that sorts by click, the type, and a filter field.
import { element } from "./dom.js";

const MARKS = { asc: "▲", desc: "▼" };
const SORTS = { asc: "ascending", desc: "descending" };
export const HELP = 'a text to find, NULL, not NULL, = 5, != 5, > 5, >= 5 and < 10; "NULL" in quotes is the text';

export function createHeadings(target, columns, told) {
  const known = new Map();
  const row = element("div", "syndb-grid-headrow");
  const corner = element("div", "syndb-grid-corner");
  corner.setAttribute("role", "columnheader");
  corner.setAttribute("aria-label", "row");
  row.setAttribute("role", "row");
  row.setAttribute("aria-rowindex", 1);
  row.append(corner);
  target.append(row);
  const texts = new Map();

  function made(column) {
    const { name, type, numeric } = columns[column];
    const mark = element("span", "syndb-grid-mark");
    const sort = element("button", "syndb-grid-sort", element("span", "syndb-grid-name", name), mark);
    Object.assign(sort, { type: "button", tabIndex: -1, title: `${name} (${type}): click to sort, with Shift by a further column` });
    sort.addEventListener("click", (event) => told.sort(column, event.shiftKey));
    const filter = element("input", "syndb-grid-input syndb-grid-filter");
    Object.assign(filter, { placeholder: "filter", title: HELP, value: texts.get(column) ?? "", spellcheck: false });
    filter.setAttribute("aria-label", `Filter ${name}`);
    const type_ = (isNow) => {
      texts.set(column, filter.value);
      told.filter(column, filter.value, isNow);
    };
    filter.addEventListener("input", () => type_(false));
    filter.addEventListener("focus", () => told.focus(column));
    filter.addEventListener("blur", () => told.blur());
    filter.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Enter") type_(true);
      if (event.key === "Escape" || event.key === "ArrowDown") told.leave();
    });
    const edge = element("div", "syndb-grid-edge");
    edge.addEventListener("pointerdown", (event) => drag(event, edge, column));
    const kind = element("div", "syndb-grid-type", type);
    kind.title = type;
    const head = element("div", `syndb-grid-th${numeric ? " syndb-grid-right" : ""}`, sort, kind, filter, edge);
    head.setAttribute("role", "columnheader");
    head.setAttribute("aria-colindex", column + 2);
    head.setAttribute("aria-label", `${name}, ${type}`);
    return { head, filter, mark };
  }

  function drag(event, edge, column) {
    event.preventDefault();
    edge.setPointerCapture(event.pointerId);
    const start = event.clientX - edge.parentElement.offsetWidth;
    const move = (moved) => told.widen(column, moved.clientX - start);
    edge.addEventListener("pointermove", move);
    edge.addEventListener("lostpointercapture", () => edge.removeEventListener("pointermove", move), { once: true });
  }

  function draw([from, to], { sort, edges, gutter, left, widths, problem, isActive, column: active, id }) {
    for (const [column, { head }] of known) {
      if ((column >= from && column < to) || head.contains(document.activeElement)) continue;
      head.remove();
      known.delete(column);
    }
    for (let column = from; column < to; column += 1) {
      if (known.has(column)) continue;
      known.set(column, made(column));
      row.append(known.get(column).head);
    }
    for (const [column, { head, filter, mark }] of known) {
      const place = sort.findIndex(([one]) => one === column);
      const way = sort[place]?.[1];
      mark.textContent = way ? `${MARKS[way]}${sort.length > 1 ? place + 1 : ""}` : "";
      head.setAttribute("aria-sort", way ? SORTS[way] : "none");
      head.id = `${id}-head-${column}`;
      head.style.left = `${gutter + edges[column] - left}px`;
      head.style.width = `${widths[column]}px`;
      head.classList.toggle("syndb-grid-active", isActive && column === active);
      head.classList.toggle("syndb-grid-sorted", Boolean(way));
      filter.classList.toggle("syndb-grid-set", Boolean(filter.value.trim()));
      filter.setAttribute("aria-invalid", String(problem === column));
    }
  }

  return {
    draw,
    edit: (column) => known.get(column)?.filter.focus(),
    clear: () => {
      texts.clear();
      for (const { filter } of known.values()) filter.value = "";
    },
    restore: (filters) => {
      for (const [column, text] of Object.entries(filters)) texts.set(Number(column), text);
    },
  };
}
