// The form of a graph job: dataset, analysis, and the options of the service's OpenAPI document.
import { element } from "../dom.js";
import { createSelect, labelField, createTextField, createCheckbox } from "./fields.js";

const HINTS = { names: "one, or several separated by commas", ends: "one, several, or one -> another", list: "ids, separated by spaces or commas" };
const spoken = (name) => name.replaceAll("_", " ");

export function createGraphForm(draftState) {
  const box = element("div", "syndb-form syndb-graph");
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", "graph analysis");
  let rows = new Map();
  let shape = "";
  let schema = null;

  const write = (name, text) => draftState.change({ options: { ...draftState.now.options, [name]: text } });
  const field = (name, asked) => {
    const value = draftState.now.options[name] ?? "";
    const change = (text) => write(name, text);
    if (asked.kind === "flag") return createCheckbox(value === "true", (is) => change(is ? "true" : ""));
    if (asked.kind === "dataset") return createSelect([["", ""], ...schema.datasets.map((one) => [one.name, one.id])], value, change);
    if (asked.kind === "choice") {
      const none = asked.default === null ? [["", ""]] : [];
      return createSelect([...none, ...asked.choices.map((one) => [one, one])], value || (asked.default ?? ""), change);
    }
    return createTextField(value, asked.default === null || asked.default === undefined ? (HINTS[asked.kind] ?? "") : String(asked.default), change);
  };
  const option = (name) => {
    const asked = schema.form.fields[name];
    const made = labelField(spoken(name), field(name, asked), asked.hint.replace(/^[a-z_, ]+: /, ""));
    rows.set(name, made);
    return made.row;
  };
  const draw = () => {
    const { analyses, shared } = schema.form;
    const { analysis, dataset_id: id } = draftState.now;
    const datasets = createSelect(schema.datasets.map((one) => [one.name, one.id]), id, (chosen) => draftState.change({ dataset_id: chosen }));
    if (draftState.now.kind === "graph" && datasets.value && datasets.value !== id) draftState.change({ dataset_id: datasets.value });
    const kinds = createSelect(Object.keys(analyses).map((one) => [spoken(one), one]), analysis, (chosen) => {
      draftState.change({ analysis: chosen });
      show(schema);
    });
    const wasOpen = box.querySelector("details")?.open ?? false;
    rows = new Map();
    const own = analyses[analysis]?.options ?? [];
    const more = element("details", "syndb-more-options", element("summary", "", "Filters and limits"), element("div", "syndb-form", ...shared.map(option)));
    more.open = wasOpen || shared.some((name) => draftState.now.options[name]);
    box.replaceChildren(labelField("dataset", datasets).row, labelField("analysis", kinds).row, ...own.map(option), more);
    datasets.classList.add("syndb-of-dataset");
    kinds.classList.add("syndb-of-analysis");
  };
  const show = (given) => {
    schema = given;
    if (!schema.form.analyses) {
      box.replaceChildren(element("div", "syndb-about", schema.message || "loading the schema …"));
      return;
    }
    const { analysis, dataset_id: id, by } = draftState.now;
    const wanted = JSON.stringify([schema.datasets.map((one) => one.id), schema.form, analysis, id, by === "kernel"]);
    if (wanted === shape && box.children.length) return;
    draw();
    shape = wanted;
  };
  return {
    box,
    show,
    again(given) {
      shape = "";
      show(given);
    },
    wrong(troubles) {
      for (const [name, { wrong }] of rows) wrong(troubles[name] ?? "");
    },
  };
}
