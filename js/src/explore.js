// The explorer of a sub-network: search, colours, sizes and selection; the selected neurons are sent to the kernel.
import { createCanvas } from "./canvas.js";
import { copyToClipboard } from "./clipboard.js";
import { element, updateChildren, setText } from "./dom.js";
import { neuronProperties, describeSizes } from "./neuron_properties.js";
import { mountLive } from "./live_output.js";
import { listPartners, toggleSelection, searchNeurons, summarizePartners, neuronInDirection } from "./neuron_search.js";

const LINGER_MS = 800;
const lingering = new Map();

function initialize({ model }) {
  if (model.get("closed")) return undefined;
  const leave = mountLive(`syndb-explore-${model.get("part").key}`, model, mount);
  model.on("change:closed", leave);
  return leave;
}

// An output that the kernel updates is a new element; the live view moves there unchanged.
function mount(host, model) {
  const kept = lingering.get(model);
  if (kept) clearTimeout(kept.timer);
  lingering.delete(model);
  const view = kept?.view ?? explorer(model);
  const still = host.querySelector(".syndb-still");
  still.style.display = "none";
  host.append(view.root);
  view.arrive();
  return () => {
    view.root.remove();
    still.style.display = "";
    lingering.get(model)?.view.end();
    clearTimeout(lingering.get(model)?.timer);
    const timer = setTimeout(() => {
      lingering.delete(model);
      view.end();
    }, LINGER_MS);
    lingering.set(model, { view, timer });
  };
}

let made = 0;

function explorer(model) {
  const part = model.get("part");
  const name = `syndb-explore-${++made}`;
  const known = listPartners(part.lines, part.ids.length);
  const place = new Map(part.ids.map((id, number) => [id, number]));
  let [pointed, focused] = [null, null];

  const search = element("input", "syndb-choice syndb-search");
  const offered = element("ul", "syndb-suggestions");
  const color = choice("Colour", "color", "one colour", part.colours, part.more);
  const size = choice("Size", "size", "one size", part.sizes, part.more);
  const stage = element("div", "syndb-stage");
  const panel = element("div", "syndb-panel");
  const legend = element("div", "syndb-legend");
  const chosen = element("div", "syndb-chosen");
  const spoken = element("div", "syndb-unseen");
  const advice = element("div", "syndb-remarks", part.advice.join(" · "));
  const tools = element(
    "div",
    "syndb-tools",
    element("span", "syndb-seeking", search, offered),
    color.label,
    size.label,
    element("span", "syndb-buttons", tool("+", "Zoom in", () => drawn.zoom(0.7)), tool("−", "Zoom out", () => drawn.zoom(1.4)), tool("Fit", "Show all of it", () => drawn.fit())),
  );
  const root = element(
    "div",
    "syndb-card syndb-explore",
    element("div", "syndb-headline", element("b", "", part.title), " ", element("span", "syndb-caption", part.caption)),
    advice,
    tools,
    element("div", "syndb-scene", stage, panel),
    legend,
    chosen,
    spoken,
  );
  advice.hidden = !part.advice.length;
  root.dataset.tone = "working";
  root.dataset.lmSuppressShortcuts = "true";
  attributes(root, { role: "group", "aria-label": `Graph: ${part.title}` });
  attributes(search, { type: "search", placeholder: "Find a name or id", role: "combobox", autocomplete: "off", spellcheck: "false" });
  attributes(search, { "aria-label": "Find a neuron by name or id", "aria-expanded": "false", "aria-controls": `${name}-offered`, "aria-autocomplete": "list" });
  attributes(offered, { role: "listbox", id: `${name}-offered`, "aria-label": "Neurons found" });
  attributes(stage, { tabindex: "0", role: "application", "aria-label": `${part.caption}. Arrow keys go from neuron to neuron, Enter selects, Shift and Enter adds, Escape clears, plus, minus and 0 zoom.` });
  attributes(spoken, { role: "status", "aria-live": "polite" });
  offered.hidden = true;

  const selected = () => model.get("selected").map((id) => place.get(id)).filter((one) => one !== undefined);
  const painted = () => part.columns[model.get("color")]?.paint ?? part.plain;
  const look = () => {
    const paint = painted();
    return {
      color: paint.of.map((number) => paint.colours[number]),
      radius: part.columns[model.get("size")]?.radius ?? part.ids.map(() => 0.6),
      selected: selected(),
      focus: pointed ?? focused,
    };
  };
  let seen = look();
  const drawn = createCanvas(stage, part, () => seen, {
    points(number) {
      pointed = number;
      draw();
    },
    clicks(number, adds) {
      if (number !== null) select(number, adds);
      else if (!adds) choose([]);
    },
  });

  const speak = (text) => setText(spoken, text);
  const choose = (ids) => {
    model.set("selected", ids);
    model.save_changes();
  };
  const select = (number, adds) => {
    focused = number;
    const after = toggleSelection(model.get("selected"), part.ids[number], adds);
    choose(after);
    draw();
    const verb = after.includes(part.ids[number]) ? "selected" : "no longer selected";
    speak(`${part.names[number]} ${verb}, ${after.length} in all`);
  };
  const told = (number) => {
    const { out, in: into, gap } = known[number];
    const lines = [["sends to", out], ["receives from", into], ["gap junctions with", gap]].filter(([, list]) => list.length);
    return { facts: neuronProperties(part, number, model.get("color"), model.get("size")), lines: lines.map(([word, list]) => [`${word} ${list.length}`, summarizePartners(list, part.names)]) };
  };
  const announce = (number) => {
    const { facts: known, lines } = told(number);
    const words = [part.names[number], ...known.map(([title, text]) => `${title} ${text}`), ...lines.map(([word, list]) => `${word}: ${list}`)];
    speak(words.join(". "));
  };
  const draw = () => {
    seen = look();
    drawn.redraw();
    color.select.value = model.get("color");
    size.select.value = model.get("size");
    updateChildren(panel, [seen.focus, model.get("color"), model.get("size")], () => (seen.focus === null ? [] : card(part, seen.focus, told(seen.focus))));
    panel.hidden = seen.focus === null;
    const at = seen.focus === null ? null : drawn.where(seen.focus);
    if (at) panel.classList.toggle("syndb-aside", at.x < stage.clientWidth / 2);
    stage.style.cursor = pointed === null ? "" : "pointer";
    updateChildren(legend, [model.get("color"), model.get("size")], () => keys(part, painted(), model.get("color"), model.get("size")));
    updateChildren(chosen, model.get("selected"), () => basket(part, selected(), choose, speak));
    chosen.hidden = !selected().length;
    Object.assign(root.dataset, { color: model.get("color"), size: model.get("size"), selected: model.get("selected").join(" ") });
    root.dataset.focus = seen.focus === null ? "" : part.ids[seen.focus];
  };

  for (const [trait, select] of [["color", color.select], ["size", size.select]]) {
    select.addEventListener("change", () => {
      model.set(trait, select.value);
      model.save_changes();
    });
  }
  seeking(search, offered, part, name, (number, adds) => {
    select(number, adds);
    drawn.show(number);
  });
  stage.addEventListener("keydown", (event) => {
    const at = focused ?? selected()[0] ?? 0;
    const next = part.ids.length ? (focused === null && event.key.startsWith("Arrow") ? at : neuronInDirection(event.key, at, part.x, part.y)) : null;
    if (event.key.startsWith("Arrow")) {
      if (next !== null) {
        focused = next;
        pointed = null;
        drawn.show(next);
        announce(next);
        draw();
      }
    } else if ((event.key === "Enter" || event.key === " ") && focused !== null) select(focused, event.shiftKey);
    else if (event.key === "Escape") {
      focused = null;
      choose([]);
      draw();
    } else if (event.key === "+" || event.key === "=") drawn.zoom(0.7);
    else if (event.key === "-") drawn.zoom(1.4);
    else if (event.key === "0") drawn.fit();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  stage.addEventListener("pointerdown", () => stage.focus({ preventScroll: true }));
  stage.addEventListener("blur", () => {
    if (!root.isConnected) return;
    focused = null;
    draw();
  });
  // The wheel scrolls the notebook; it zooms after a click on the picture, or with Ctrl.
  const wheel = (event) => {
    if (document.activeElement !== stage && !event.ctrlKey && !event.metaKey) event.stopImmediatePropagation();
  };
  stage.addEventListener("wheel", wheel, { capture: true });
  root.addEventListener("keydown", (event) => event.stopPropagation());
  let last = null;
  root.addEventListener("focusin", (event) => (last = event.target));
  root.addEventListener("focusout", () => setTimeout(() => root.isConnected && !root.contains(document.activeElement) && (last = null)));

  for (const trait of ["color", "size", "selected"]) model.on(`change:${trait}`, draw);
  draw();
  return {
    root,
    arrive() {
      if (last && document.activeElement === document.body) last.focus({ preventScroll: true });
    },
    end() {
      for (const trait of ["color", "size", "selected"]) model.off(`change:${trait}`, draw);
      drawn.end();
    },
  };
}

function attributes(target, values) {
  for (const [name, value] of Object.entries(values)) target.setAttribute(name, value);
}

// The columns are grouped by the graph that they were computed in. The last entry says how to get more of them.
function choice(word, name, none, columns, more) {
  const select = element("select", `syndb-choice syndb-by-${name}`);
  select.append(new Option(none, ""));
  for (const label of new Set(columns.map(([, , group]) => group))) {
    const members = columns.filter(([, , group]) => group === label);
    const group = element("optgroup", "", ...members.map(([value, text]) => new Option(text, value)));
    group.label = label;
    select.append(group);
  }
  if (more) {
    const hint = new Option(more);
    hint.disabled = true;
    select.append(hint);
    select.title = more;
  }
  return { select, label: element("label", "syndb-label", word, select) };
}

function tool(text, title, press) {
  const made = element("button", "syndb-button", text);
  attributes(made, { type: "button", title, "aria-label": title });
  made.addEventListener("click", press);
  return made;
}

// The panel with the properties of one neuron, next to the picture.
function card(part, number, { facts, lines }) {
  const pair = ([word, text]) => element("div", "", element("span", "syndb-quiet", `${word} `), text);
  return [element("b", "", part.names[number]), pair(["id", part.ids[number]]), ...facts.map(pair), ...lines.map(([word, list]) => pair([`${word}:`, list]))];
}

function keys(part, paint, column, size) {
  const dot = (colour) => {
    const made = element("span", "syndb-dot");
    made.style.background = colour;
    return made;
  };
  const entry = (colour, text, count) => element("span", "syndb-key", dot(colour), text, element("span", "syndb-quiet", ` ${count.toLocaleString("en")}`));
  const shown = [];
  if (column) shown.push(element("b", "syndb-quiet", part.columns[column].title));
  if (paint.ends) {
    const bar = element("span", "syndb-ramp");
    bar.style.background = `linear-gradient(to right, ${paint.colours.slice(0, -1).join(",")})`;
    shown.push(element("span", "syndb-key", paint.ends[0], bar, paint.ends[1]));
  }
  shown.push(...paint.labels.map(([text, number, count]) => entry(paint.colours[number], text, count)));
  if (size) shown.push(element("span", "syndb-key syndb-quiet", describeSizes(part.columns[size])));
  if (part.lines.pre.length) shown.push(element("span", "syndb-key syndb-quiet", part.strongest));
  if (part.lines.junction.some(Boolean)) {
    const line = element("span", "syndb-stroke");
    shown.push(element("span", "syndb-key", line, "gap junction"));
  }
  return shown;
}

// The selected neurons, each with its exact id and a button that removes it.
function basket(part, numbers, choose, speak) {
  const ids = numbers.map((number) => part.ids[number]);
  const chip = (number) => {
    const out = element("button", "syndb-out", "×");
    attributes(out, { type: "button", "aria-label": `Remove ${part.names[number]} from the selection` });
    out.addEventListener("click", () => choose(ids.filter((id) => id !== part.ids[number])));
    const isNamed = part.names[number] !== part.ids[number];
    return element("span", "syndb-picked", element("b", "", part.names[number]), isNamed ? element("span", "syndb-quiet", ` ${part.ids[number]}`) : null, out);
  };
  const copy = element("button", "syndb-button", "Copy ids");
  copy.addEventListener("click", async () => {
    const isDone = await copyToClipboard(ids.join(", "));
    const what = `${ids.length} id${ids.length === 1 ? "" : "s"} copied`;
    speak(isDone ? what : "The browser does not let this page use the clipboard.");
    copy.textContent = isDone ? what : "Copying is not allowed here";
  });
  const clear = element("button", "syndb-button", "Clear");
  clear.addEventListener("click", () => choose([]));
  const most = 24;
  const more = numbers.length > most ? element("span", "syndb-quiet", `and ${numbers.length - most} more`) : null;
  return [element("span", "syndb-quiet", `${numbers.length} selected`), ...numbers.slice(0, most).map(chip), more, copy, clear].filter(Boolean);
}

function seeking(search, offered, part, name, take) {
  let [found, at] = [[], -1];
  const show = () => {
    offered.replaceChildren(
      ...found.map((number, index) => {
        const isNamed = part.names[number] !== part.ids[number];
        const option = element("li", "syndb-suggestion", element("b", "", part.names[number]), isNamed ? element("span", "syndb-quiet", ` ${part.ids[number]}`) : null);
        attributes(option, { role: "option", id: `${name}-${index}`, "aria-selected": String(index === at) });
        option.addEventListener("pointerdown", (event) => {
          event.preventDefault();
          finish(number, event.shiftKey);
        });
        return option;
      }),
    );
    if (search.value.trim() && !found.length) offered.append(element("li", "syndb-quiet", `none of the ${part.ids.length} neurons shown`));
    offered.hidden = !offered.children.length;
    search.setAttribute("aria-expanded", String(!offered.hidden));
    if (at >= 0) search.setAttribute("aria-activedescendant", `${name}-${at}`);
    else search.removeAttribute("aria-activedescendant");
  };
  const close = () => {
    [found, at] = [[], -1];
    offered.hidden = true;
    search.setAttribute("aria-expanded", "false");
  };
  const finish = (number, adds) => {
    search.value = "";
    close();
    take(number, adds);
  };
  search.addEventListener("input", () => {
    found = searchNeurons(search.value, part.names, part.ids);
    at = found.length ? 0 : -1;
    show();
  });
  search.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" && found.length) at = (at + 1) % found.length;
    else if (event.key === "ArrowUp" && found.length) at = (at + found.length - 1) % found.length;
    else if (event.key === "Enter" && at >= 0) return finish(found[at], event.shiftKey);
    else if (event.key === "Escape") {
      search.value = "";
      return close();
    } else return;
    event.preventDefault();
    show();
  });
  search.addEventListener("blur", close);
}

export default { initialize };
