// The values of the :name parameters: each has a kind, and a field for this kind.
import { element } from "../dom.js";
import { createSelect, labelField, createTextField } from "./fields.js";

const KINDS = [
  ["text", "text"],
  ["whole number", "whole"],
  ["number", "number"],
  ["true or false", "flag"],
  ["date", "date"],
  ["date and time", "moment"],
  ["list", "list"],
  ["dataset", "dataset"],
  ["variable", "variable"],
  ["NULL", "null"],
];
const HINTS = { text: "value", whole: "720575940600000001", number: "0.05", date: "2011-02-03", moment: "2011-02-03 14:05", list: '["AVAL", "AVAR"]', variable: "its name in the notebook" };

export function createParameterForm(draftState) {
  const box = element("div", "syndb-form syndb-parameters");
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", "parameters");
  let rows = new Map();
  let shape = "";

  const write = (name, kind, text) => draftState.change({ values: { ...draftState.now.values, [name]: { kind, text } } });
  const field = ({ name, kind, text }, datasets) => {
    const change = (value) => write(name, kind, value);
    if (kind === "dataset") return createSelect(datasets.map((one) => [one.name, one.id]), text, change);
    if (kind === "flag") return createSelect([["", ""], ["true", "true"], ["false", "false"]], text, change);
    const made = createTextField(text, HINTS[kind] ?? "", change);
    made.disabled = kind === "null";
    return made;
  };
  const row = (one, datasets, draw) => {
    const kinds = createSelect(KINDS, one.kind, (kind) => {
      const text = kind === "dataset" ? (datasets[0]?.id ?? "") : kind === "variable" ? one.name : "";
      write(one.name, kind, text);
      draw({ ...one, kind, text, trouble: "" });
    });
    kinds.classList.add("syndb-kinds");
    kinds.setAttribute("aria-label", `type of ${one.name}`);
    return labelField(`:${one.name}`, field(one, datasets), "", [kinds]);
  };
  const show = (parameters, datasets) => {
    const wanted = JSON.stringify([parameters.map(({ name, kind }) => [name, kind]), datasets.map((one) => one.id)]);
    if (wanted !== shape) {
      shape = wanted;
      const redraw = (changed) => show(parameters.map((one) => (one.name === changed.name ? changed : one)), datasets);
      rows = new Map(parameters.map((one) => [one.name, row(one, datasets, redraw)]));
      box.replaceChildren(...[...rows.values()].map((one) => one.row));
    }
    for (const one of parameters) {
      const { field: input, wrong } = rows.get(one.name);
      if (document.activeElement !== input && input.value !== one.text) input.value = one.text;
      wrong(one.text || one.kind === "variable" ? one.trouble : "");
    }
    box.hidden = parameters.length === 0;
  };
  show([], []);
  return { box, show };
}
