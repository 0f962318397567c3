// The pure functions of the explorer: node --test test/
import assert from "node:assert/strict";
import test from "node:test";
import { neuronProperties, describeSizes } from "../src/neuron_properties.js";
import { parseColor, mixColors, listPartners, toggleSelection, searchNeurons, summarizePartners, neuronInDirection } from "../src/neuron_search.js";

const names = ["AVAL", "AVAR", "<b>'é'</b> 🧠", "720575940600000001", "AVA"];
const ids = ["720575940600000001", "720575940600000002", "3", "4", "-5"];

test("an exact id comes before a name, an exact name before its beginnings", () => {
  assert.deepEqual(searchNeurons("720575940600000001", names, ids), [0, 3]);
  assert.deepEqual(searchNeurons("AVA", names, ids), [4, 0, 1]);
  assert.deepEqual(searchNeurons(" ava ", names, ids), [4, 0, 1]);
  assert.deepEqual(searchNeurons("-5", names, ids), [4]);
});

test("ids of 2^53 and above are told apart by their last digit", () => {
  assert.deepEqual(searchNeurons("720575940600000002", names, ids), [1]);
});

test("markup, quotes, accents and emoji are letters like any other", () => {
  assert.deepEqual(searchNeurons("<b>'e", names, ids), [2]);
  assert.deepEqual(searchNeurons("🧠", names, ids), [2]);
  assert.deepEqual(searchNeurons(".*", names, ids), []);
  assert.deepEqual(searchNeurons("  ", names, ids), []);
});

test("arrow keys go to what lies there, and stay where nothing does", () => {
  const [x, y] = [[0, 1, 3, 0, -1], [0, 0.2, 0, 2, 0]];
  assert.equal(neuronInDirection("ArrowRight", 0, x, y), 1);
  assert.equal(neuronInDirection("ArrowLeft", 0, x, y), 4);
  assert.equal(neuronInDirection("ArrowUp", 0, x, y), 3);
  assert.equal(neuronInDirection("ArrowDown", 0, x, y), null);
  assert.equal(neuronInDirection("Home", 0, x, y), null);
});

test("partners are sorted by strength, and gap junctions are both ways", () => {
  const lines = { pre: [0, 0, 2], post: [1, 2, 1], count: [2, 7, 1], junction: [false, false, true] };
  const found = listPartners(lines, 3);
  assert.deepEqual(found[0].out, [[2, 7], [1, 2]]);
  assert.deepEqual(found[1], { out: [], in: [[0, 2]], gap: [[2, 1]] });
  assert.equal(summarizePartners(found[0].out, ["A", "B", "C"], 1), "C 7 and 1 more");
});

test("a click selects alone, a second one clears, with shift it adds and takes away", () => {
  assert.deepEqual(toggleSelection(["1", "2"], "2", false), ["2"]);
  assert.deepEqual(toggleSelection(["2"], "2", false), []);
  assert.deepEqual(toggleSelection(["2"], "1", true), ["2", "1"]);
  assert.deepEqual(toggleSelection(["2", "1"], "2", true), ["1"]);
});

test("colours mix as the eye would see them", () => {
  assert.deepEqual(parseColor("rgba(0, 0, 0, 0.87)"), [0, 0, 0, 0.87]);
  assert.equal(mixColors("#ffffff", "#000000", 0.5), "#808080");
  assert.equal(mixColors("rgb(17, 17, 17)", "rgba(255, 255, 255, 1)", 1), "#ffffff");
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
  assert.deepEqual(neuronProperties(part, 0, "", ""), [["cell class", "motor"], ["degree in the whole graph", "9"]]);
  assert.deepEqual(neuronProperties(part, 1, "", ""), []);
  assert.deepEqual(neuronProperties(part, 1, "cell_class", "pagerank_whole"), [["cell class", "unknown"], ["PageRank in the whole graph", "0.25"]]);
  assert.deepEqual(neuronProperties(part, 0, "pagerank_whole", "pagerank_whole").at(-1), ["PageRank in the whole graph", "unknown, drawn smallest"]);
});

test("the legend says how many sizes are unknown", () => {
  assert.equal(describeSizes(part.columns.pagerank_whole), "size: PageRank in the whole graph (1 unknown, drawn smallest)");
  assert.equal(describeSizes({ title: "degree", texts: ["0"] }), "size: degree");
});
