// Search of neurons by name or id, by direction, and by their connections. Uses no page and no canvas.

const fold = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

// Positions of the neurons that match a text, best first: exact id, exact name, beginning of a name, part of a name or id.
export function searchNeurons(text, names, ids, most = 8) {
  const wanted = text.trim();
  if (!wanted) return [];
  const folded = fold(wanted);
  const rank = (place) => {
    if (ids[place] === wanted) return 0;
    if (names[place] === wanted) return 1;
    const name = fold(names[place]);
    if (name === folded) return 2;
    if (name.startsWith(folded)) return 3;
    if (name.includes(folded)) return 4;
    return ids[place].includes(wanted) ? 5 : null;
  };
  return ids
    .map((_, place) => [rank(place), place])
    .filter(([found]) => found !== null)
    .sort((one, other) => one[0] - other[0] || one[1] - other[1])
    .slice(0, most)
    .map(([, place]) => place);
}

const DIRECTIONS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

// The nearest position in the direction of an arrow key, or null; a sideways distance counts more than one ahead.
export function neuronInDirection(key, from, x, y) {
  const [across, upwards] = DIRECTIONS[key] ?? [];
  if (across === undefined) return null;
  let [best, least] = [null, Infinity];
  for (let place = 0; place < x.length; place++) {
    const [dx, dy] = [x[place] - x[from], y[place] - y[from]];
    const ahead = dx * across + dy * upwards;
    if (ahead <= 0) continue;
    const aside = Math.abs(dx * upwards) + Math.abs(dy * across);
    const cost = Math.hypot(dx, dy) + 2 * aside;
    if (aside <= 2 * ahead && cost < least) [best, least] = [place, cost];
  }
  return best;
}

// The partners of every neuron, the strongest first: targets (out), sources (in), and gap junctions (gap).
export function listPartners(lines, neurons) {
  const found = Array.from({ length: neurons }, () => ({ out: [], in: [], gap: [] }));
  lines.pre.forEach((pre, number) => {
    const [post, count] = [lines.post[number], lines.count[number]];
    const [here, there] = lines.junction[number] ? ["gap", "gap"] : ["out", "in"];
    found[pre][here].push([post, count]);
    found[post][there].push([pre, count]);
  });
  for (const one of found) for (const list of Object.values(one)) list.sort((a, b) => b[1] - a[1] || a[0] - b[0]);
  return found;
}

// The strongest partners of a neuron in one line, for the panel and for screen readers.
export function summarizePartners(list, names, most = 4) {
  const shown = list.slice(0, most).map(([place, count]) => `${names[place]} ${count.toLocaleString("en")}`);
  const more = list.length - shown.length;
  return shown.join(", ") + (more > 0 ? ` and ${more.toLocaleString("en")} more` : "");
}

// The selection after a click: the neuron alone, or the old selection with the neuron added or removed.
export function toggleSelection(before, id, adds) {
  if (!adds) return before.length === 1 && before[0] === id ? [] : [id];
  return before.includes(id) ? before.filter((one) => one !== id) : [...before, id];
}

// Parses a computed colour of the browser to [red, green, blue, alpha]: "rgb(1, 2, 3)", "rgba(1, 2, 3, 0.5)", "#123456".
export function parseColor(color) {
  if (color.startsWith("#")) return [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16)).concat(1);
  const found = color.match(/[\d.]+/g)?.map(Number) ?? [0, 0, 0];
  return [found[0], found[1], found[2], found[3] ?? 1];
}

// Mixes two colours; the result is opaque.
export function mixColors(under, over, share) {
  const [below, above] = [parseColor(under), parseColor(over)];
  const part = share * above[3];
  const hex = [0, 1, 2].map((at) => Math.round(below[at] + (above[at] - below[at]) * part).toString(16).padStart(2, "0"));
  return `#${hex.join("")}`;
}
