// Positions of rows and columns of a table, and the answers that it accepts: node --test test/
import assert from "node:assert/strict";
import { test } from "node:test";
import { openPageRequests } from "../src/page_requests.js";
import * as at from "../src/geometry.js";

const TALL = 20 * at.ROW;

test("the end of the scroll bar is the last row, however many there are", () => {
  for (const total of [0, 1, 19, 20, 21, 100_000, 5_000_000, 4_000_000_000]) {
    const first = at.firstRowAt(at.scrollHeight(total) - TALL, total, TALL);
    assert.equal(first, Math.max(total - 20, 0));
    assert.ok(at.scrollHeight(total) <= at.MAX_HEIGHT);
    assert.ok(Math.abs(at.firstRowAt(at.scrollTopOf(first, total, TALL), total, TALL) - first) < 1e-3);
  }
  assert.equal(at.firstRowAt(-5, 5_000_000, TALL), 0);
});

test("a row is brought into view by as little as possible", () => {
  assert.equal(at.reveal(10, 0, 100, TALL), 0);
  assert.equal(at.reveal(20, 0, 100, TALL), 1);
  assert.equal(at.reveal(5, 50, 100, TALL), 5);
  assert.equal(at.reveal(99, 0, 100, TALL), 80);
  assert.equal(at.reveal(0, 0, 1, TALL), 0);
});

test("the columns in view of five hundred", () => {
  const edges = at.columnEdges(Array(500).fill(100));
  assert.deepEqual(at.columnsBetween(0, 350, edges), [0, 4]);
  assert.deepEqual(at.columnsBetween(49_650, 50_000, edges), [496, 500]);
  assert.deepEqual(at.columnsBetween(0, 350, at.columnEdges([])), [0, 0]);
});

test("a block answers for what it holds and nothing else", () => {
  const block = { first: 100, cells: Array(60).fill([]), left: 3, wide: 5 };
  assert.ok(at.covers(block, [100, 160], [3, 8]));
  assert.ok(!at.covers(block, [99, 110], [3, 8]));
  assert.ok(!at.covers(block, [150, 161], [3, 8]));
  assert.ok(!at.covers(block, [100, 160], [2, 8]));
  assert.ok(!at.covers(null, [0, 0], [0, 0]));
});

test("a click sorts up, then down, then not; with Shift by further columns", () => {
  const up = at.toggleSort([], 2, false);
  const down = at.toggleSort(up, 2, false);
  assert.deepEqual([up, down, at.toggleSort(down, 2, false)], [[[2, "asc"]], [[2, "desc"]], []]);
  assert.deepEqual(at.toggleSort(down, 0, true), [[2, "desc"], [0, "asc"]]);
  assert.deepEqual(at.toggleSort([[2, "desc"], [0, "asc"]], 2, true), [[0, "asc"]]);
  assert.deepEqual(at.toggleSort(down, 0, false), [[0, "asc"]]);
});

test("a typed row is a row of the table or none", () => {
  assert.equal(at.parseRowNumber("4,999,999", 5_000_000), 4_999_998);
  assert.equal(at.parseRowNumber(" 5 000 000 ", 5_000_000), 4_999_999);
  for (const text of ["0", "5000001", "", "many", "-1", "1e3x"]) assert.equal(at.parseRowNumber(text, 5_000_000), null);
});

test("numbers of rows are written for people", () => {
  assert.deepEqual([at.formatInteger(5_000_000), at.formatRowCount(1), at.formatRowCount(0)], ["5,000,000", "1 row", "0 rows"]);
});

function pretend() {
  const sent = [];
  const heard = [];
  let listen;
  const model = { send: (message) => sent.push(message), on: (_, one) => (listen = one), off: () => (listen = null) };
  const ask = openPageRequests(model, "g", {
    sent: () => {},
    working: (word) => heard.push(word),
    answered: (answer, question) => heard.push([answer.total, question.first]),
  });
  return { sent, heard, ask, tell: (message) => listen?.({ to: sent[0]?.from, ...message }) };
}

test("scrolling asks one question at a time, and only the newest of those that waited", () => {
  const { sent, heard, ask, tell } = pretend();
  for (const first of [0, 100, 200, 300]) ask.page({ first });
  assert.deepEqual(sent.map((one) => one.first), [0]);
  tell({ seq: 1, total: 9 });
  assert.deepEqual(sent.map((one) => one.first), [0, 300]);
  assert.deepEqual(heard, [[9, 0]]);
});

test("a new view is asked for at once, and the answer about the older one is dropped", () => {
  const { sent, heard, ask, tell } = pretend();
  ask.view({ first: 0, sort: [[0, "asc"]] });
  ask.view({ first: 0, sort: [[0, "desc"]] });
  assert.equal(sent.length, 2);
  tell({ seq: 2, working: "sorting" });
  tell({ seq: 1, total: 1 });
  tell({ to: "another", seq: 2, total: 2 });
  assert.deepEqual(heard, ["sorting"]);
  tell({ seq: 2, total: 3 });
  assert.deepEqual(heard, ["sorting", [3, 0]]);
});

test("a copy arrives beside the pages, and nothing after the end", () => {
  const { sent, heard, ask, tell } = pretend();
  const copies = [];
  ask.page({ first: 0 });
  ask.copy({ first: 3, count: 1 }, (answer) => copies.push(answer.copied));
  tell({ seq: sent[1].seq, copied: "a\tb" });
  assert.deepEqual(copies, ["a\tb"]);
  ask.stop();
  tell({ seq: 1, total: 1 });
  assert.deepEqual(heard, []);
});
