// Labelled fields of a form; screen readers get the name of a field and its error.
import { element, setText } from "../dom.js";

let made = 0;

export function createSelect(pairs, value, change) {
  const select = element("select", "syndb-field");
  select.append(...pairs.map(([text, key]) => new Option(text, key)));
  select.value = value;
  if (select.selectedIndex < 0 && pairs.length) select.selectedIndex = 0;
  select.addEventListener("change", () => change(select.value));
  return select;
}

export function createTextField(value, hint, change) {
  const input = element("input", "syndb-field");
  Object.assign(input, { type: "text", value, placeholder: hint, spellcheck: false, autocomplete: "off" });
  input.addEventListener("input", () => change(input.value));
  return input;
}

export function createCheckbox(value, change) {
  const input = element("input", "syndb-tick");
  Object.assign(input, { type: "checkbox", checked: value });
  input.addEventListener("change", () => change(input.checked));
  return input;
}

// Adds a label before a field and a hint after it; ``wrong(text)`` shows an error.
export function labelField(name, field, hint = "", beside = []) {
  const id = `syndb-field-${++made}`;
  field.id = id;
  const label = element("label", "syndb-name", name);
  label.htmlFor = id;
  const trouble = element("div", "syndb-wrong");
  trouble.id = `${id}-wrong`;
  trouble.hidden = true;
  const row = element("div", "syndb-entry", label, element("div", "syndb-inputs", ...beside, field), hint && element("div", "syndb-hint", hint), trouble);
  field.setAttribute("aria-describedby", trouble.id);
  return {
    row,
    field,
    wrong(text) {
      setText(trouble, text);
      field.setAttribute("aria-invalid", String(Boolean(text)));
    },
  };
}

// Tabs: buttons of which one is selected; arrow keys move between them.
export function createTabs(label, names, chosen, choose) {
  const list = element("div", "syndb-tabs");
  list.setAttribute("role", "tablist");
  list.setAttribute("aria-label", label);
  const buttons = names.map(([key, text]) => {
    const button = element("button", `syndb-tab syndb-tab-${key}`, text);
    button.type = "button";
    button.setAttribute("role", "tab");
    button.addEventListener("click", () => show(key, true));
    return button;
  });
  list.append(...buttons);
  let now = chosen;
  const show = (key, told = false) => {
    now = key;
    buttons.forEach((button, index) => {
      const is = names[index][0] === key;
      button.setAttribute("aria-selected", String(is));
      button.tabIndex = is ? 0 : -1;
    });
    if (told) choose(key);
  };
  list.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const index = names.findIndex(([key]) => key === now);
    const next = (index + step + names.length) % names.length;
    show(names[next][0], true);
    buttons[next].focus();
  });
  show(chosen);
  return { list, show };
}
