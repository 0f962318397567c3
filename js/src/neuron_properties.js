// What is said of one neuron: what is known of it, and why it has its colour and size. No page.

// Pairs of a title and a text; of what gives the colour or the size it also says that it is unknown.
export function neuronProperties(part, number, color, size) {
  const shown = new Map(part.told);
  for (const column of [color, size]) if (column) shown.set(column, part.columns[column].title);
  return [...shown]
    .map(([column, title]) => [title, part.columns[column].texts[number] ?? missing(column, color, size)])
    .filter(([, text]) => text);
}

const missing = (column, color, size) => (column === size ? "unknown, drawn smallest" : column === color ? "unknown" : "");

// What the legend says of the sizes, with how many neurons have none.
export function describeSizes(column) {
  const unknown = column.texts.filter((text) => text === null).length;
  return `size: ${column.title}${unknown ? ` (${unknown.toLocaleString("en")} unknown, drawn smallest)` : ""}`;
}
