// A graph job as a form: dataset, analysis, and the options that the service's own document names.
import { element } from "../dom.js";
import { choices, labelled, line, tick } from "./fields.js";

const HINTS = { names: "one, or several with commas", ends: "one, several, or one -> another", list: "ids, with spaces or commas" };
const spoken = (name) => name.replaceAll("_", " ");

export function graphForm(drafting) {
  const box = element("div", "syndb-form syndb-graph");
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", "graph analysis");
  let rows = new Map();
  let shape = "";
  let schema = null;

  const write = (name, text) => drafting.change({ options: { ...drafting.now.options, [name]: text } });
  const field = (name, asked) => {
    const value = drafting.now.options[name] ?? "";
    const change = (text) => write(name, text);
    if (asked.kind === "flag") return tick(value === "true", (is) => change(is ? "true" : ""));
    if (asked.kind === "dataset") return choices([["", ""], ...schema.datasets.map((one) => [one.name, one.id])], value, change);
    if (asked.kind === "choice") {
      const none = asked.default === null ? [["", ""]] : [];
      return choices([...none, ...asked.choices.map((one) => [one, one])], value || (asked.default ?? ""), change);
    }
    return line(value, asked.default === null || asked.default === undefined ? (HINTS[asked.kind] ?? "") : String(asked.default), change);
  };
  const option = (name) => {
    const asked = schema.form.fields[name];
    const made = labelled(spoken(name), field(name, asked), asked.hint.replace(/^[a-z_, ]+: /, ""));
    rows.set(name, made);
    return made.row;
  };
  const draw = () => {
    const { analyses, shared } = schema.form;
    const { analysis, dataset_id: id } = drafting.now;
    const datasets = choices(schema.datasets.map((one) => [one.name, one.id]), id, (chosen) => drafting.change({ dataset_id: chosen }));
    if (drafting.now.kind === "graph" && datasets.value && datasets.value !== id) drafting.change({ dataset_id: datasets.value });
    const kinds = choices(Object.keys(analyses).map((one) => [spoken(one), one]), analysis, (chosen) => {
      drafting.change({ analysis: chosen });
      show(schema);
    });
    const wasOpen = box.querySelector("details")?.open ?? false;
    rows = new Map();
    const own = analyses[analysis]?.options ?? [];
    const more = element("details", "syndb-more-options", element("summary", "", "Filters and limits"), element("div", "syndb-form", ...shared.map(option)));
    more.open = wasOpen || shared.some((name) => drafting.now.options[name]);
    box.replaceChildren(labelled("dataset", datasets).row, labelled("analysis", kinds).row, ...own.map(option), more);
    datasets.classList.add("syndb-of-dataset");
    kinds.classList.add("syndb-of-analysis");
  };
  const show = (given) => {
    schema = given;
    if (!schema.form.analyses) {
      box.replaceChildren(element("div", "syndb-about", schema.message || "asking what there is …"));
      return;
    }
    const { analysis, dataset_id: id, by } = drafting.now;
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
