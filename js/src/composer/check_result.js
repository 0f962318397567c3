// The check result below the editor: valid or not, the position of an error, the columns of the result, advice.
import { element, updateChildren, setText } from "../dom.js";

const SLOW_AFTER_MS = 3000;
const WORDS = {
  empty: ["idle", "Write SQL, or choose an example. Ctrl-Space completes, Shift-Enter runs."],
  valid: ["good", "valid"],
  open: ["warn", "not complete"],
  ready: ["idle", "ready; the service checks it when it runs"],
  invalid: ["bad", "does not run"],
  unchecked: ["idle", "not checked"],
  away: ["warn", "not checked"],
};

export function createCheckPanel(go) {
  const word = element("span", "syndb-status");
  const facts = element("span", "syndb-facts");
  const place = element("button", "syndb-pick syndb-place");
  place.type = "button";
  const message = element("div", "syndb-message");
  const hint = element("div", "syndb-hint");
  const advice = element("ul", "syndb-advice");
  const columns = element("div", "syndb-columns");
  columns.setAttribute("aria-label", "columns of the result");
  const said = element("div", "syndb-line", word, place, facts);
  const heard = element("div", "", said, message, hint);
  heard.setAttribute("role", "status");
  const box = element("div", "syndb-check-result", heard, advice, columns);
  let found = null;
  let timer = null;
  place.addEventListener("click", () => go(found.line, found.column));

  const show = (checked) => {
    clearTimeout(timer);
    found = checked;
    const [tone, text] = WORDS[checked.state] ?? ["idle", ""];
    box.dataset.tone = tone;
    box.dataset.state = checked.state;
    setText(word, text);
    setText(place, checked.line ? `line ${checked.line}, column ${checked.column}` : "");
    setText(facts, (checked.facts ?? []).join(" · "));
    setText(message, checked.message);
    setText(hint, checked.hint);
    updateChildren(advice, checked.advice, () => (checked.advice ?? []).map((one) => element("li", "", one)));
    advice.hidden = !checked.advice?.length;
    updateChildren(columns, checked.columns, () =>
      (checked.columns ?? []).map((column) => element("span", "syndb-chip", element("b", "", column.name), ` ${column.type}`)),
    );
    columns.hidden = !checked.columns?.length;
  };
  // Shows that a check is in progress, and if it takes long.
  const wait = () => {
    if (box.dataset.state === "away") return;
    box.dataset.state = "checking";
    clearTimeout(timer);
    timer = setTimeout(() => {
      box.dataset.tone = "idle";
      setText(word, "not checked yet");
      setText(facts, "no answer from the kernel: it is running a cell, or was restarted. After a restart, copy what you typed since then and run this cell; it restores the earlier draft");
    }, SLOW_AFTER_MS);
  };
  return { box, show, wait, end: () => clearTimeout(timer) };
}
