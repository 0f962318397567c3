// The first rows as a table; Python sends all values as text, because JavaScript rounds neuron ids.
import { element } from "./dom.js";

export function previewTable(table) {
  const align = (index) => (table.columns[index].numeric ? "syndb-number" : "syndb-text");
  const head = table.columns.map((column, index) => {
    const cell = element("th", align(index), column.name);
    cell.title = column.type;
    return cell;
  });
  const body = table.rows.map((row) =>
    element(
      "tr",
      "",
      ...row.map((value, index) => element("td", value === null ? "syndb-null" : align(index), value ?? "NULL")),
    ),
  );
  return element("table", "syndb-table", element("thead", "", element("tr", "", ...head)), element("tbody", "", ...body));
}
