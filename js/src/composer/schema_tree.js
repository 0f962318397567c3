// The schema tree: datasets, tables with their rows, columns with types and units; a click inserts a name.
import { element, setText } from "../dom.js";
import { createTextField } from "./fields.js";
import { quoteName } from "./suggestions.js";

const FOUND = 60;

function pick(text, classes, title, press) {
  const made = element("button", `syndb-pick ${classes}`, text);
  made.type = "button";
  made.title = title;
  made.addEventListener("click", press);
  return made;
}

function columnLine(column, insert, owner = "") {
  const title = [column.description, "Click to write it"].filter(Boolean).join("\n");
  const name = pick(column.name, "syndb-column", title, () => insert(quoteName(column.name)));
  const kind = element("span", "syndb-kind", [column.type, column.unit && `in ${column.unit}`].filter(Boolean).join(", "));
  return element("li", "syndb-leaf", owner ? element("span", "syndb-kind", `${owner}.`) : null, name, kind);
}

// A branch gets its content when it is first opened.
function branch(summary, classes, fill) {
  const made = element("details", classes, element("summary", "syndb-branch", ...summary));
  made.addEventListener("toggle", () => {
    if (made.open && made.children.length === 1) made.append(...fill().filter(Boolean));
  });
  return made;
}

function tableBranch(table, insert) {
  const rows = element("span", "syndb-kind", `${table.rows} row${table.rows === "1" ? "" : "s"}`);
  return branch([element("span", "syndb-table-name", table.name), rows], "syndb-of-table", () => [
    pick("write the table's name", "syndb-write", "", () => insert(quoteName(table.name))),
    element("ul", "syndb-leaves", ...table.columns.map((column) => columnLine(column, insert))),
  ]);
}

function datasetBranch(dataset, insert) {
  const made = branch([element("b", "", dataset.name)], "syndb-of-dataset", () => [
    element("div", "syndb-about", [dataset.title, dataset.species, dataset.version && `version ${dataset.version}`, dataset.visibility].filter(Boolean).join(" · ")),
    pick("write its id", "syndb-write", dataset.id, () => insert(`'${dataset.id}'`)),
    ...dataset.tables.map((table) => tableBranch(table, insert)),
    dataset.tables.length ? null : element("div", "syndb-about", "none of its tables has rows"),
  ]);
  made.querySelector("summary").title = [dataset.title, dataset.citation].filter(Boolean).join("\n");
  return made;
}

export function createSchemaTree(insert) {
  const message = element("div", "syndb-about");
  const list = element("div", "syndb-branches");
  let datasets = [];
  const draw = () => {
    const words = search.value.trim().toLowerCase();
    if (!words) {
      list.replaceChildren(...datasets.map((dataset) => datasetBranch(dataset, insert)));
      if (datasets.length && datasets.length <= 4) list.firstChild.open = true;
      return;
    }
    const found = new Map();
    for (const dataset of datasets)
      for (const table of dataset.tables)
        for (const column of table.columns)
          if (`${table.name}.${column.name} ${column.description}`.toLowerCase().includes(words)) found.set(`${table.name}.${column.name}`, [column, table.name]);
    const lines = [...found.values()].slice(0, FOUND).map(([column, owner]) => columnLine(column, insert, owner));
    const rest = found.size - lines.length;
    const said = found.size === 0 ? "no matching column" : rest > 0 ? `and ${rest} more` : "";
    list.replaceChildren(element("ul", "syndb-leaves", ...lines), said && element("div", "syndb-about", said));
  };
  const search = createTextField("", "find a column", draw);
  search.classList.add("syndb-find");
  search.setAttribute("aria-label", "find a column");
  const box = element("div", "syndb-tree", search, message, list);
  return {
    box,
    show(schema) {
      datasets = schema.datasets;
      setText(message, schema.state === "loading" ? "loading the schema …" : schema.message);
      search.hidden = datasets.length === 0;
      draw();
    },
  };
}
