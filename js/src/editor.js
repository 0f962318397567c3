// The composer in the page: SQL with completion and live checks, or a form for a graph analysis.
import { createSqlEditor } from "./composer/sql_editor.js";
import { openDraft } from "./composer/draft.js";
import { createSelect, createTextField, createTabs } from "./composer/fields.js";
import { createGraphForm } from "./composer/graph_form.js";
import { collectTables } from "./composer/suggestions.js";
import { createParameterForm } from "./composer/parameter_form.js";
import { listExamples, listHistory } from "./composer/starting_drafts.js";
import { createSchemaTree } from "./composer/schema_tree.js";
import { createCheckPanel } from "./composer/check_result.js";
import { button, element, setText } from "./dom.js";

const PRESENCE_INTERVAL_MS = 10_000;
const SLOW_AFTER_MS = 3000;
const FORMATS = ["arrow", "parquet", "csv"].map((one) => [one, one]);

export function mount(host, model) {
  const draftState = openDraft(model);
  const world = { datasets: [], tables: new Map(), jobs: [], parameters: [] };
  const runs = running(model, draftState);
  const editor = createSqlEditor({
    text: draftState.now.sql,
    world: () => world,
    typed: (sql) => change({ sql }),
    run: runs.run,
  });
  const parameters = createParameterForm({ get now() { return draftState.now; }, change: (part) => change(part) });
  const graph = createGraphForm({ get now() { return draftState.now; }, change: (part) => change(part) });
  const checkPanel = createCheckPanel((at, column) => editor.go(at, column));
  const tree = createSchemaTree((name) => editor.insert(name));
  const label = createTextField(draftState.now.label, "label", (text) => change({ label: text }));
  label.setAttribute("aria-label", "label of the job");
  const format = createSelect(FORMATS, draftState.now.format, (value) => change({ format: value }));
  format.setAttribute("aria-label", "format of the result");
  const sidePanel = element("div", "syndb-side-panel");
  sidePanel.setAttribute("role", "tabpanel");
  sidePanel.setAttribute("aria-label", "starting points");
  const sides = createTabs("starting points", [["schema", "Schema"], ["examples", "Examples"], ["history", "History"]], "schema", (key) => open(key));
  const modes = createTabs("kind of job", [["query", "SQL"], ["graph", "Graph"]], draftState.now.kind, (kind) => {
    change({ kind });
    drawKind();
  });
  const sql = element("div", "syndb-sql", editor.dom);
  const bar = element("div", "syndb-bar-of-run", runs.button, label, format, runs.said);
  const main = element("div", "syndb-main", sql, parameters.box, graph.box, bar, checkPanel.box);
  const side = element("div", "syndb-side", sides.list, sidePanel);
  const head = element("div", "syndb-head", element("b", "", "Composer"), modes.list, element("span", "syndb-url", model.get("url")));
  const root = element("section", "syndb-composer", head, element("div", "syndb-panes", side, main));
  root.setAttribute("aria-label", "Composer of jobs");
  let tab = "schema";

  function change(part) {
    draftState.change(part);
    checkPanel.wait();
  }
  function take(draft) {
    const { kind = "query", sql: text = "", values, format: as, label: called, dataset_id: id, analysis, options } = draft;
    const given = { kind, values, format: as, label: called, dataset_id: id, analysis, options };
    const known = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
    change(kind === "graph" ? known : { ...known, sql: text });
    drawForms();
    if (kind === "query") editor.write(text);
  }
  function open(key) {
    tab = key;
    const { examples } = model.get("schema");
    sidePanel.replaceChildren(key === "schema" ? tree.box : key === "examples" ? listExamples(examples, take) : listHistory(model.get("history"), world.datasets, take));
  }
  function drawKind() {
    const { kind } = draftState.now;
    root.dataset.kind = kind;
    modes.show(kind);
    sql.hidden = format.hidden = kind === "graph";
    graph.box.hidden = kind !== "graph";
    parameters.box.hidden = kind === "graph" || parameters.box.children.length === 0;
    if (kind === "graph") graph.again(model.get("schema"));
  }
  function drawForms() {
    label.value = draftState.now.label;
    format.value = draftState.now.format;
    drawKind();
  }
  const schemaCame = () => {
    const schema = model.get("schema");
    Object.assign(world, { datasets: schema.datasets, tables: collectTables(schema.datasets) });
    editor.name(schema.datasets);
    tree.show(schema);
    graph.show(schema);
    open(tab);
  };
  const checkedCame = () => {
    const checked = model.get("checked");
    world.jobs = model.get("jobs");
    if (!checked.state || !draftState.isAbout(checked)) return;
    checkPanel.show(checked);
    const isQuery = draftState.now.kind === "query";
    editor.underline(isQuery && checked.line ? checked : null);
    graph.wrong(checked.troubles ?? {});
    if (checked.state !== "away") {
      parameters.show(checked.parameters, world.datasets);
      parameters.box.hidden = !isQuery || checked.parameters.length === 0;
      world.parameters = checked.parameters.map((one) => one.name);
    }
  };
  const historyCame = () => tab === "history" && open(tab);
  const news = { "change:schema": schemaCame, "change:checked": checkedCame, "change:history": historyCame, "change:ran": runs.came };
  for (const [name, hear] of Object.entries(news)) model.on(name, hear);
  draftState.onTaken((draft) => {
    editor.take(draft.sql);
    drawForms();
    checkPanel.wait();
  });
  runs.onRefused((ran) => {
    if (!draftState.isAbout(ran)) return; // the draft has changed; its own check is shown
    checkPanel.show({ ...ran, state: "invalid" });
    editor.underline(draftState.now.kind === "query" && ran.line ? ran : null);
  });
  const here = setInterval(() => model.get("checked").state === "away" && model.send({ do: "here" }), PRESENCE_INTERVAL_MS);
  const leaveKeys = keepKeys(root, runs.run);
  host.append(root);
  schemaCame();
  drawForms();
  checkPanel.show({ state: draftState.now.sql || draftState.now.kind === "graph" ? "" : "empty" });
  checkedCame();
  return () => {
    clearInterval(here);
    leaveKeys();
    for (const [name, hear] of Object.entries(news)) model.off(name, hear);
    draftState.end();
    runs.end();
    checkPanel.end();
    editor.end();
    root.remove();
  };
}

// Hides keys from the notebook: Shift-Enter runs the job, not the cell, and letters are not commands. Saving works as usual.
function keepKeys(root, run) {
  const isSave = (event) => (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s";
  const ahead = (event) => {
    if (root.contains(event.target)) root.toggleAttribute("data-lm-suppress-shortcuts", !isSave(event));
  };
  window.addEventListener("keydown", ahead, true);
  root.addEventListener("keydown", (event) => {
    if (isSave(event)) return;
    if (event.key === "Enter" && event.shiftKey && !event.defaultPrevented) {
      event.preventDefault();
      run();
    }
    event.stopPropagation();
  });
  return () => window.removeEventListener("keydown", ahead, true);
}

// Marks a run as in progress until the kernel reports its outcome.
function running(model, draftState) {
  const said = element("span", "syndb-ran");
  said.setAttribute("role", "status");
  let waiting = null;
  let timer = null;
  let refused = () => {};
  const run = () => {
    if (waiting) return;
    draftState.flush();
    waiting = `${Date.now()}-${Math.random()}`;
    start.disabled = true;
    setText(said, "submitting …");
    timer = setTimeout(() => setText(said, "no answer from the kernel: it is running a cell, or was restarted. After a restart, copy what you typed since then and run this cell; it restores the earlier draft"), SLOW_AFTER_MS);
    model.send({ do: "run", run: waiting, draft: draftState.now });
  };
  const start = button({ do: "run", text: "▶ Run", title: "Shift-Enter" }, run);
  const came = () => {
    const ran = model.get("ran");
    if (!waiting || ran.run !== waiting) return;
    waiting = null;
    clearTimeout(timer);
    start.disabled = false;
    const trouble = draftState.isAbout(ran) ? "not submitted" : `not submitted (draft of ${ran.at}): ${ran.message}`;
    setText(said, ran.job_id ? `job ${ran.job_id.slice(0, 8)} submitted at ${ran.at}` : trouble);
    if (!ran.job_id) refused(ran);
  };
  return { run, came, button: start, said, onRefused: (tell) => { refused = tell; }, end: () => clearTimeout(timer) };
}
