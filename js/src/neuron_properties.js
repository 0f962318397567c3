// The properties of one neuron, with those that give its colour and size. Uses no page.

// Pairs of a title and a text; the columns of colour and size are included even if their value is unknown.
export function neuronProperties(part, number, color, size) {
  const shown = new Map(part.told);
  for (const column of [color, size]) if (column) shown.set(column, part.columns[column].title);
  return [...shown]
    .map(([column, title]) => [title, part.columns[column].texts[number] ?? missing(column, color, size)])
    .filter(([, text]) => text);
}

const missing = (column, color, size) => (column === size ? "unknown, drawn smallest" : column === color ? "unknown" : "");

// The legend text of the sizes, with the number of neurons whose size is unknown.
export function describeSizes(column) {
  const unknown = column.texts.filter((text) => text === null).length;
  return `size: ${column.title}${unknown ? ` (${unknown.toLocaleString("en")} unknown, drawn smallest)` : ""}`;
}
