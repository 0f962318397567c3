// Each composer requests the editor from its own kernel, until one kernel has sent it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { loadEditor } from "../src/composer/editor_loader.js";

URL.createObjectURL = () => "data:text/javascript,export const mount = () => 'mounted';";
URL.revokeObjectURL = () => {};

// The part of a model that anywidget provides.
function modelOf(editor) {
  const heard = [];
  return {
    sent: [],
    get: () => editor,
    on: (name, hear) => heard.push([name, hear]),
    off: (name, hear) => heard.splice(0, heard.length, ...heard.filter((one) => one[0] !== name || one[1] !== hear)),
    send(message) {
      this.sent.push(message);
    },
    tell: (name, said) => heard.filter((one) => one[0] === name).forEach((one) => one[1](said)),
    heard,
  };
}

test("a busy kernel holds up no other's composer, and is not asked again once the editor is there", async () => {
  const busy = modelOf("one");
  const other = modelOf("one");
  const waiting = loadEditor(busy);
  const coming = loadEditor(other);
  assert.deepEqual(other.sent, [{ do: "editor" }]);
  other.tell("msg:custom", { saying: "something else" });
  other.tell("msg:custom", { editor: "text" });
  const came = await coming;
  assert.equal(came.mount(), "mounted");
  const third = modelOf("one");
  assert.equal(await loadEditor(third), came);
  assert.deepEqual(third.sent, []);
  busy.tell("msg:custom", { editor: "text" });
  assert.equal(await waiting, came);
  assert.deepEqual([busy.heard, other.heard], [[], []]);
});

for (const end of ["comm:close", "comm_live_update"]) {
  test(`${end} ends the waiting, and the next composer asks anew`, async () => {
    const version = `of ${end}`;
    const gone = modelOf(version);
    const waiting = loadEditor(gone);
    gone.tell(end);
    await assert.rejects(waiting, /the kernel stopped/);
    assert.deepEqual(gone.heard, []);
    const next = modelOf(version);
    const coming = loadEditor(next);
    next.tell("msg:custom", { editor: "text" });
    assert.equal((await coming).mount(), "mounted");
  });
}
