// The suggestions of the composer's completion, and the range of its underline.
import assert from "node:assert/strict";
import { test } from "node:test";
import { openDraft } from "../src/composer/draft.js";
import { Text } from "@codemirror/state";
import { FUNCTIONS } from "../src/composer/functions.js";
import { suggestionsAt, quoteName, collectTables } from "../src/composer/suggestions.js";
import { offsetAt, spanAt } from "../src/composer/positions.js";
import { tokenize } from "../src/composer/tokens.js";

const column = (name, type = "BIGINT") => ({ name, type, unit: "", description: "" });
const DATASETS = [
  {
    id: "5ef66999-3c1e-5aa8-a230-f5aa22f3a1d8",
    name: "worm",
    title: "A worm's nerves",
    species: "C. elegans",
    tables: [
      { name: "neurons", rows: "279", columns: [column("dataset_id"), column("neuron_id"), column("name", "VARCHAR")] },
      { name: "connections", rows: "2,194", columns: [column("pre_neuron_id"), column("post_neuron_id"), column("synapse_count")] },
      { name: 'odd "<b>🧠', rows: "0", columns: [column('a "quoted" one'), column("select"), column("Größe")] },
    ],
  },
];
const WORLD = { datasets: DATASETS, tables: collectTables(DATASETS), jobs: [{ name: "motor", columns: [{ name: "hub", type: "int64" }] }], parameters: ["worm"] };

// | marks the position.
function offered(marked, explicit = true) {
  const at = marked.indexOf("|");
  return suggestionsAt(marked.replace("|", ""), at, WORLD, explicit);
}
const labels = (marked) => (offered(marked)?.options ?? []).map((option) => option.label);
const columns = (marked) => (offered(marked)?.options ?? []).filter((option) => option.type === "property").map((option) => option.label);

for (const [sql, expected] of [
  ["SELECT p.| FROM neurons p", ["dataset_id", "neuron_id", "name"]],
  ["SELECT p.na| FROM neurons AS p WHERE p.name = 'x'", ["dataset_id", "neuron_id", "name"]],
  ["SELECT 1 FROM neurons p JOIN connections AS \"c d\" ON \"c d\".|", ["pre_neuron_id", "post_neuron_id", "synapse_count"]],
  ["SELECT neurons.| FROM neurons", ["dataset_id", "neuron_id", "name"]],
  ["SELECT NEURONS.| FROM Neurons", ["dataset_id", "neuron_id", "name"]],
  ["SELECT c.| FROM neurons n, connections c", ["pre_neuron_id", "post_neuron_id", "synapse_count"]],
  ["SELECT 1 FROM (SELECT n.| FROM neurons n) x", ["dataset_id", "neuron_id", "name"]],
  ["SELECT x.| FROM (SELECT n.name, count(*) AS many, n.neuron_id id FROM neurons n GROUP BY ALL) AS x", ["name", "many", "id"]],
  ["WITH big AS (SELECT * FROM connections WHERE synapse_count > 5) SELECT b.| FROM big b", ["pre_neuron_id", "post_neuron_id", "synapse_count"]],
  ["WITH a AS (SELECT name AS who FROM neurons), b(x) AS (SELECT who FROM a) SELECT b.| FROM b", ["x"]],
  ["WITH a AS (SELECT n.| FROM neurons n) SELECT * FROM a", ["dataset_id", "neuron_id", "name"]],
  ["SELECT * FROM neurons n WHERE EXISTS (SELECT 1 FROM connections c WHERE c.pre_neuron_id = n.|)", ["dataset_id", "neuron_id", "name"]],
  ["SELECT * FROM neurons n WHERE n.neuron_id IN (SELECT c.| FROM connections c", ["pre_neuron_id", "post_neuron_id", "synapse_count"]],
  ["SELECT 1 UNION ALL SELECT c.| FROM connections c", ["pre_neuron_id", "post_neuron_id", "synapse_count"]],
  ["SELECT n.| FROM neurons n UNION ALL SELECT n.name FROM connections n", ["dataset_id", "neuron_id", "name"]],
  ["FROM neurons n SELECT n.|", ["dataset_id", "neuron_id", "name"]],
  ["SELECT 'FROM connections p', p.| -- FROM connections p\nFROM neurons p", ["dataset_id", "neuron_id", "name"]],
  ["SELECT e.| FROM (SELECT * EXCLUDE (name) FROM neurons) e", ["dataset_id", "neuron_id"]],
  ["SELECT o.| FROM \"odd \"\"<b>🧠\" o", ['a "quoted" one', "select", "Größe"]],
  ["SELECT t.| FROM range(10) t", []],
  ["SELECT nobody.| FROM neurons n", []],
  ["SELECT m.| FROM {{ motor }} m", ["hub"]],
  ["SELECT b.| FROM (neurons a JOIN connections b ON true)", ["pre_neuron_id", "post_neuron_id", "synapse_count"]],
]) {
  test(`columns at ${sql}`, () => assert.deepEqual(columns(sql), expected));
}

test("a name that is no plain word goes in quoted", () => {
  const options = offered('SELECT o.| FROM "odd ""<b>🧠" o').options;
  assert.deepEqual(options.map((option) => option.apply), ['"a ""quoted"" one"', '"select"', '"Größe"']);
  assert.equal(quoteName("neuron_id"), "neuron_id");
});

test("after FROM there are tables, and what WITH names", () => {
  assert.deepEqual(labels("WITH big AS (SELECT 1) SELECT * FROM |"), ["big", "neurons", "connections", 'odd "<b>🧠']);
  assert.ok(labels("SELECT * FROM neurons, |").includes("connections"));
});

test("a dataset's name or title puts its id in", () => {
  const bare = offered("SELECT * FROM neurons WHERE dataset_id = wo|").options.find((option) => option.label === "worm");
  assert.equal(bare.apply, `'${DATASETS[0].id}'`);
  for (const sql of ["SELECT 1 FROM neurons n WHERE n.dataset_id = '|", "SELECT 1 FROM neurons WHERE dataset_id IN ('x', '|"]) {
    const found = offered(sql, false);
    assert.deepEqual(found.options.map((option) => option.label), ["worm", "A worm's nerves"]);
    assert.equal(found.options[0].apply, `${DATASETS[0].id}'`);
  }
  const closed = offered("SELECT 1 FROM neurons WHERE dataset_id = 'wo|'", false);
  assert.equal(closed.options[0].apply, DATASETS[0].id);
  assert.equal(offered("SELECT 1 FROM neurons WHERE name = 'wo|'", false), null);
});

test("nothing is offered where nothing fits", () => {
  for (const sql of ["-- no|", "SELECT /* no| */ 1", "SELECT 'no|'", "SELECT 12|", "SELECT |"]) assert.equal(offered(sql, false), null, sql);
});

test("functions, parameters and jobs", () => {
  assert.ok(labels("SELECT co|").includes("count(*)"));
  assert.deepEqual(labels("SELECT :w|"), ["worm"]);
  assert.equal(offered("SELECT 1::|", false), null);
  assert.deepEqual(labels("SELECT * FROM {{mo|"), ["{{motor}}"]);
  assert.ok(FUNCTIONS.every((one) => one.name && one.says && one.call.endsWith(")")));
});

test("500 columns and 100 kB of SQL take no time worth a wait", () => {
  const wide = [{ ...DATASETS[0], tables: [{ name: "wide", rows: "1", columns: Array.from({ length: 500 }, (_, index) => column(`c${index}`)) }] }];
  const long = `SELECT w.| FROM wide w WHERE ${"w.c1 = 'some text' AND (w.c2 > 5 OR w.c3 IS NULL) AND ".repeat(2000)} true`;
  assert.ok(long.length > 100_000);
  const at = long.indexOf("|");
  assert.equal(suggestionsAt(long.replace("|", ""), at, { ...WORLD, datasets: wide, tables: collectTables(wide) }, true).options.length, 500);
  for (const hostile of ["'".repeat(100_001), "(".repeat(100_000), '"a'.repeat(50_000), "/*".repeat(50_000), "a.".repeat(50_000), `'${"x".repeat(100_000)}`]) {
    suggestionsAt(hostile, hostile.length, WORLD, true);
    assert.equal(tokenize(hostile).at(-1).to, hostile.length);
  }
});

test("a place is counted in characters, an emoji as one", () => {
  const doc = Text.of(["SELECT '🧠🧠', nam", "FROM neurons"]);
  assert.deepEqual(spanAt(doc, 1, 14), { from: 15, to: 18 });
  assert.equal(doc.sliceString(15, 18), "nam");
  assert.equal(offsetAt(doc, 2, 1), doc.line(2).from);
  assert.equal(offsetAt(doc, 99, 99), doc.length);
  assert.deepEqual(spanAt(Text.of(["SELECT"]), 1, 7), { from: 5, to: 6 });
  assert.deepEqual(spanAt(Text.of([""]), 1, 1), { from: 0, to: 0 });
});

test("an answer is about a draft of this page, or of the page that changed it last", () => {
  const pages = [];
  const shared = { draft: { sql: "", serial: 0, by: "kernel" } };
  const page = () => {
    const heard = new Map();
    const made = {
      get: () => shared.draft,
      set: (_, draft) => (shared.draft = draft),
      save_changes: () => pages.filter((one) => one !== made).forEach((one) => one.hear()),
      on: (name, hear) => heard.set(name, hear),
      off: (name) => heard.delete(name),
      hear: () => heard.get("change:draft")?.(),
    };
    pages.push(made);
    return openDraft(made);
  };
  const [one, two] = [page(), page()];
  one.change({ sql: "SELECT 1" });
  two.change({ sql: "SELECT 2" });
  const [first, second] = [one.now, two.now].map(({ serial, by }) => ({ serial, by }));
  assert.equal(first.serial, second.serial);
  assert.deepEqual([one.isAbout(first), one.isAbout(second), two.isAbout(first), two.isAbout(second)], [true, false, false, true]);
  two.flush();
  assert.deepEqual([one.now.sql, one.isAbout(first), one.isAbout(second)], ["SELECT 2", false, true]);
  one.end();
  two.end();
});
