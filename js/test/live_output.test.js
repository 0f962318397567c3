// Live views are mounted into the page and removed again: node --test test/
import assert from "node:assert/strict";
import test from "node:test";

const hosts = new Map();
globalThis.MutationObserver = class {
  observe() {}
};
globalThis.CSS = { escape: (text) => text };
globalThis.document = { body: {}, querySelectorAll: (name) => hosts.get(name) ?? [] };
const { mountLive } = await import("../src/live_output.js");

function host(key) {
  const made = { dataset: {}, isConnected: true, shows: [] };
  hosts.set(`.${key}`, [made]);
  return made;
}

function model() {
  const heard = new Map();
  return {
    on: (name, hear) => heard.set(name, [...(heard.get(name) ?? []), hear]),
    trigger: (name) => (heard.get(name) ?? []).forEach((hear) => hear()),
  };
}

const showing = (place) => {
  place.shows.push("live");
  return () => place.shows.pop();
};

test("what can't be shown takes none of the others with it, and is tried once", (t) => {
  const told = t.mock.method(console, "error", () => {});
  const [broken, whole] = [host("broken"), host("whole")];
  mountLive("broken", model(), () => {
    throw new TypeError("of undefined");
  });
  mountLive("whole", model(), showing);
  mountLive("later", model(), showing);
  assert.deepEqual([broken.shows, whole.shows], [[], ["live"]]);
  assert.equal(told.mock.callCount(), 1);
});

test("a kernel's restart ends what it answers, and leaves what was typed", () => {
  const [card, editor] = [host("card"), host("editor")];
  const [one, other] = [model(), model()];
  mountLive("card", one, showing);
  mountLive("editor", other, showing, { outlives: true });
  for (const each of [one, other]) each.trigger("comm_live_update");
  assert.deepEqual([card.shows, editor.shows], [[], ["live"]]);
  other.trigger("comm:close");
  assert.deepEqual(editor.shows, []);
});

test("two models of one key: each element keeps its own, and takes another one's when its own has ended", () => {
  const [first, second] = [host("job"), { dataset: {}, isConnected: true, shows: [] }];
  const [one, other] = [model(), model()];
  const by = (name) => (place) => {
    place.shows.push(name);
    return () => place.shows.pop();
  };
  mountLive("job", one, by("one"));
  hosts.set(".job", [first, second]);
  mountLive("job", other, by("other"));
  assert.deepEqual([first.shows, second.shows], [["one"], ["other"]]);
  second.isConnected = false;
  hosts.set(".job", [first]);
  other.trigger("comm:close");
  assert.deepEqual([first.shows, second.shows], [["one"], []]);
  hosts.set(".job", [first, second]);
  second.isConnected = true;
  const third = model();
  mountLive("job", third, by("third"));
  one.trigger("comm:close");
  assert.deepEqual([first.shows, second.shows], [["third"], ["third"]]);
});
