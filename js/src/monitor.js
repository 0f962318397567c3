// The monitor: a live table of all jobs of a user, with a filter.
import { button, element, updateChildren, setText } from "./dom.js";
import { mountLive } from "./live_output.js";
import { formatSeconds } from "./clock.js";

const PRESENCE_INTERVAL_MS = 10_000;
const SHOWN = 100;

function initialize({ model }) {
  return mountLive(`syndb-monitor-${model.get("board").key}`, model, mount);
}

function choice(name, values) {
  const made = element("select", `syndb-choice syndb-by-${name}`);
  made.setAttribute("aria-label", name);
  made.append(...[["", `any ${name}`], ...values.map((value) => [value, value])].map(([value, text]) => new Option(text, value)));
  return made;
}

function bar(row) {
  const box = element("div", "syndb-bar", element("div", "syndb-filled"));
  box.classList.toggle("syndb-unknown", row.fraction === null);
  if (row.fraction !== null) box.firstChild.style.width = `${100 * row.fraction}%`;
  return box;
}

function line(row, press) {
  const state = element("td", "syndb-state", element("span", "syndb-status", row.word));
  if (row.working) state.append(bar(row));
  const title = element("td", "syndb-job-title", row.title);
  title.title = row.sql || row.title;
  const told = row.error ? element("td", "syndb-told syndb-wrong", row.error) : element("td", "syndb-told", row.facts.join(" · "));
  told.title = row.error || "";
  const made = element(
    "tr",
    "syndb-row",
    state,
    title,
    element("td", "", row.kind),
    told,
    element("td", "syndb-number", row.elapsed_s === null || row.elapsed_s === undefined ? "" : formatSeconds(row.elapsed_s)),
    element("td", "syndb-when", row.when),
    element("td", "syndb-actions", ...row.buttons.map((action) => button(action, (pressed, made) => press(row, pressed, made)))),
  );
  made.dataset.tone = row.tone;
  made.dataset.job = row.job_id;
  return made;
}

function mount(host, model) {
  const still = host.querySelector(".syndb-still");
  const by = {
    status: choice("status", ["pending", "running", "completed", "failed", "cancelled"]),
    kind: choice("kind", ["query", "graph"]),
    label: element("input", "syndb-choice syndb-by-label"),
  };
  by.label.placeholder = "label or SQL";
  by.label.setAttribute("aria-label", "label or SQL");
  const count = element("span", "syndb-count");
  const away = element("div", "syndb-away");
  const note = element("div", "syndb-note");
  const body = element("tbody");
  const heads = ["status", "job", "kind", "", "time", "submitted", ""].map((name) => element("th", "", name));
  const board = element(
    "div",
    "syndb-card syndb-board",
    element("div", "syndb-head", element("b", "", "My jobs"), by.status, by.kind, by.label, count),
    away,
    note,
    element("div", "syndb-rows", element("table", "syndb-table", element("thead", "", element("tr", "", ...heads)), body)),
  );
  const known = new Map();

  const press = (row, action, pressed) => {
    pressed.disabled = true;
    known.delete(row.job_id); // redraw the row with the next update even if it is unchanged, because the click was rejected
    model.send({ do: action.do, job_id: row.job_id });
  };
  const fits = (row) => {
    const words = by.label.value.trim().toLowerCase();
    return (
      (!by.status.value || row.status === by.status.value) &&
      (!by.kind.value || row.kind === by.kind.value) &&
      (!words || `${row.title} ${row.sql} ${row.job_id}`.toLowerCase().includes(words))
    );
  };
  const draw = () => {
    const { rows, away: gone, note: said, more } = model.get("board");
    const fitting = rows.filter(fits);
    const shown = fitting.slice(0, SHOWN);
    const lines = shown.map((row) => {
      const key = JSON.stringify(row);
      const held = known.get(row.job_id);
      if (held?.key === key) return held.line;
      const made = line(row, press);
      known.set(row.job_id, { key, line: made });
      return made;
    });
    if (lines.length !== body.children.length || lines.some((one, index) => body.children[index] !== one)) {
      body.replaceChildren(...lines);
    }
    const hidden = fitting.length - shown.length;
    setText(count, `${fitting.length} of ${rows.length}${more ? " newest" : ""}${hidden ? `, the first ${SHOWN} shown` : ""}`);
    setText(away, gone);
    setText(note, said);
    board.dataset.tone = gone ? "warn" : "working";
  };
  for (const one of Object.values(by)) one.addEventListener("input", draw);
  by.label.addEventListener("keydown", (event) => event.stopPropagation());
  model.on("change:board", draw);
  const here = setInterval(() => model.send({ do: "here" }), PRESENCE_INTERVAL_MS);
  still.style.display = "none";
  host.append(board);
  draw();
  return () => {
    clearInterval(here);
    model.off("change:board", draw);
    board.remove();
    still.style.display = "";
  };
}

export default { initialize };
