// The graph view's pure functions: node --test test/
import assert from "node:assert/strict";
import test from "node:test";
import { facts, sized } from "../src/facts.js";
import { channels, mix, partners, picked, seek, strongest, towards } from "../src/seek.js";

const names = ["AVAL", "AVAR", "<b>'é'</b> 🧠", "720575940600000001", "AVA"];
const ids = ["720575940600000001", "720575940600000002", "3", "4", "-5"];

test("an exact id comes before a name, an exact name before its beginnings", () => {
  assert.deepEqual(seek("720575940600000001", names, ids), [0, 3]);
  assert.deepEqual(seek("AVA", names, ids), [4, 0, 1]);
  assert.deepEqual(seek(" ava ", names, ids), [4, 0, 1]);
  assert.deepEqual(seek("-5", names, ids), [4]);
});

test("ids of 2^53 and above are told apart by their last digit", () => {
  assert.deepEqual(seek("720575940600000002", names, ids), [1]);
});

test("markup, quotes, accents and emoji are letters like any other", () => {
  assert.deepEqual(seek("<b>'e", names, ids), [2]);
  assert.deepEqual(seek("🧠", names, ids), [2]);
  assert.deepEqual(seek(".*", names, ids), []);
  assert.deepEqual(seek("  ", names, ids), []);
});

test("arrow keys go to what lies there, and stay where nothing does", () => {
  const [x, y] = [[0, 1, 3, 0, -1], [0, 0.2, 0, 2, 0]];
  assert.equal(towards("ArrowRight", 0, x, y), 1);
  assert.equal(towards("ArrowLeft", 0, x, y), 4);
  assert.equal(towards("ArrowUp", 0, x, y), 3);
  assert.equal(towards("ArrowDown", 0, x, y), null);
  assert.equal(towards("Home", 0, x, y), null);
});

test("partners are sorted by strength, and gap junctions are both ways", () => {
  const lines = { pre: [0, 0, 2], post: [1, 2, 1], count: [2, 7, 1], junction: [false, false, true] };
  const found = partners(lines, 3);
  assert.deepEqual(found[0].out, [[2, 7], [1, 2]]);
  assert.deepEqual(found[1], { out: [], in: [[0, 2]], gap: [[2, 1]] });
  assert.equal(strongest(found[0].out, ["A", "B", "C"], 1), "C 7 and 1 more");
});

test("a click selects alone, a second one clears, with shift it adds and takes away", () => {
  assert.deepEqual(picked(["1", "2"], "2", false), ["2"]);
  assert.deepEqual(picked(["2"], "2", false), []);
  assert.deepEqual(picked(["2"], "1", true), ["2", "1"]);
  assert.deepEqual(picked(["2", "1"], "2", true), ["1"]);
});

test("colours mix as the eye would see them", () => {
  assert.deepEqual(channels("rgba(0, 0, 0, 0.87)"), [0, 0, 0, 0.87]);
  assert.equal(mix("#ffffff", "#000000", 0.5), "#808080");
  assert.equal(mix("rgb(17, 17, 17)", "rgba(255, 255, 255, 1)", 1), "#ffffff");
});

const part = {
  told: [["cell_class", "cell class"], ["degree", "degree in the whole graph"]],
  columns: {
    cell_class: { title: "cell class", texts: ["motor", null] },
    degree: { title: "degree in the whole graph", texts: ["9", null] },
    pagerank_whole: { title: "PageRank in the whole graph", texts: [null, "0.25"] },
  },
};

test("a neuron's facts are what is known, and what its colour and size stand for, known or not", () => {
  assert.deepEqual(facts(part, 0, "", ""), [["cell class", "motor"], ["degree in the whole graph", "9"]]);
  assert.deepEqual(facts(part, 1, "", ""), []);
  assert.deepEqual(facts(part, 1, "cell_class", "pagerank_whole"), [["cell class", "unknown"], ["PageRank in the whole graph", "0.25"]]);
  assert.deepEqual(facts(part, 0, "pagerank_whole", "pagerank_whole").at(-1), ["PageRank in the whole graph", "unknown, drawn smallest"]);
});

test("the legend says how many sizes are unknown", () => {
  assert.equal(sized(part.columns.pagerank_whole), "size: PageRank in the whole graph (1 unknown, drawn smallest)");
  assert.equal(sized({ title: "degree", texts: ["0"] }), "size: degree");
});
