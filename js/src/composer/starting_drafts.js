// Drafts to start from: the examples that match the datasets, and earlier runs on this computer.
import { element } from "../dom.js";

function card(title, more, press) {
  const made = element("button", "syndb-draft", element("span", "syndb-draft-title", title), element("span", "syndb-kind", more));
  made.type = "button";
  made.addEventListener("click", press);
  return element("li", "", made);
}

const oneLine = (text) => text.replace(/\s+/g, " ").trim().slice(0, 160);

export function listExamples(examples, take) {
  const lines = examples.map((one) =>
    card(one.title, one.kind === "graph" ? `graph analysis ${one.analysis}` : oneLine(one.sql), () => take(one)),
  );
  return lines.length ? element("ul", "syndb-drafts", ...lines) : element("div", "syndb-about", "no examples for these datasets");
}

export function listHistory(history, datasets, take) {
  const named = new Map(datasets.map((dataset) => [dataset.id, dataset.name]));
  const lines = history.map((one) => {
    const what = one.kind === "graph" ? `${one.analysis} of ${named.get(one.dataset_id) ?? one.dataset_id}` : oneLine(one.sql ?? "");
    return card(one.label || what, [one.at, one.label && what].filter(Boolean).join(" · "), () => take(one));
  });
  return lines.length ? element("ul", "syndb-drafts", ...lines) : element("div", "syndb-about", "your runs are listed here, on this computer");
}
