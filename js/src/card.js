// The live card of a job: draws the view model of the kernel, and sends clicks to the kernel.
import { button, element, updateChildren, setText } from "./dom.js";
import { mountLive } from "./live_output.js";
import { previewTable } from "./preview_table.js";
import { startClock } from "./clock.js";

function initialize({ model }) {
  return mountLive(`syndb-job-${model.get("card").job_id}`, model, mount);
}

function mount(host, model) {
  const slot = host.querySelector(".syndb-slot");
  const still = host.querySelector(".syndb-still");
  return host.classList.contains("syndb-ended") ? offer(slot, model) : live(host, still, model);
}

// The card of an ended job is static HTML; only the buttons are added.
function offer(slot, model) {
  const said = element("pre", "syndb-error");
  said.setAttribute("role", "alert");
  slot.nextElementSibling.after(said);
  const draw = () => {
    const { buttons, trouble } = model.get("card");
    updateChildren(slot, buttons, () => [
      element("span", "syndb-buttons", ...buttons.map((action) => button(action, pressing(model)))),
    ]);
    setText(said, trouble);
  };
  model.on("change:card", draw);
  draw();
  return () => {
    model.off("change:card", draw);
    said.remove();
    slot.replaceChildren();
    delete slot.dataset.shown;
  };
}

// A click contains the id of its job, because the card may show another job when the click arrives.
const pressing = (model) => (action, pressed) => {
  pressed.disabled = true;
  model.send({ do: action.do, job_id: model.get("card").job_id });
};

function live(host, still, model) {
  const parts = {
    status: element("span", "syndb-status"),
    title: element("span", "syndb-title"),
    buttons: element("span", "syndb-buttons"),
    bar: element("div", "syndb-bar", element("div", "syndb-filled")),
    facts: element("span", "syndb-facts"),
    clock: element("span", "syndb-clock"),
    away: element("div", "syndb-away"),
    warning: element("div", "syndb-warning"),
    note: element("div", "syndb-note"),
    error: element("pre", "syndb-error"),
    rows: element("div", "syndb-rows"),
    foot: element("div", "syndb-foot"),
  };
  const card = element(
    "div",
    "syndb-card",
    element("div", "syndb-head", parts.status, parts.title, parts.buttons),
    parts.bar,
    element("div", "syndb-line", parts.facts, parts.clock),
    parts.away,
    parts.warning,
    parts.note,
    parts.error,
    parts.rows,
    parts.foot,
  );
  parts.status.setAttribute("role", "status");
  const clock = startClock(parts.clock);

  const draw = () => {
    const face = model.get("card");
    Object.assign(card.dataset, { status: face.status, tone: face.tone, job: face.job_id });
    setText(parts.status, face.word);
    setText(parts.title, face.title);
    parts.title.title = face.sql ?? "";
    setText(parts.facts, face.facts.join(" · "));
    setText(parts.away, face.away);
    setText(parts.warning, face.warning);
    setText(parts.note, face.note);
    setText(parts.error, face.error);
    setText(parts.foot, face.foot);
    parts.bar.hidden = !face.working;
    parts.bar.classList.toggle("syndb-unknown", face.fraction === null);
    parts.bar.firstChild.style.width = face.fraction === null ? "" : `${100 * face.fraction}%`;
    updateChildren(parts.buttons, face.buttons, () => face.buttons.map((action) => button(action, pressing(model))));
    updateChildren(parts.rows, face.table, () =>
      face.table ? [previewTable(face.table), element("div", "syndb-more", face.table.note)] : [],
    );
    clock.heard(face.elapsed_s, face.ticking);
  };
  model.on("change:card", draw);
  draw();
  still.hidden = true;
  still.style.display = "none";
  host.append(card);
  return () => {
    clock.stop();
    model.off("change:card", draw);
    card.remove();
    still.hidden = false;
    still.style.display = "";
  };
}

export default { initialize };
