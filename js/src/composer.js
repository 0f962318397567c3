// A composer in the page: fetches the editor, once for all composers of a page, and puts it where its output is.
import { attend } from "./page.js";

const KEPT = { outlives: true };
const EDITORS = (globalThis.__syndb_editors ??= new Map());

// Messages of the kernel come only after this has returned: it waits for none.
function initialize({ model }) {
  const key = model.get("key");
  let leave = [];
  let closed = false;
  const enter = ({ mount }) => {
    if (!closed) leave = [attend(`syndb-draft-${key}`, model, hide, KEPT), attend(`syndb-composer-${key}`, model, mount, KEPT)];
  };
  editor(model).then(enter, (error) => closed || console.error("syndb: no composer", error));
  const end = () => {
    closed = true;
    leave.forEach((one) => one());
  };
  model.on("comm:close", end);
  return end;
}

function editor(model) {
  const version = model.get("editor");
  if (!EDITORS.has(version)) {
    const coming = fetched(model);
    EDITORS.set(version, coming);
    coming.catch(() => EDITORS.delete(version));
  }
  return EDITORS.get(version);
}

function fetched(model) {
  return new Promise((resolve, reject) => {
    const take = async (message) => {
      if (!message.editor) return;
      model.off("msg:custom", take);
      const address = URL.createObjectURL(new Blob([message.editor], { type: "text/javascript" }));
      try {
        resolve(await import(address));
      } catch (error) {
        reject(error);
      } finally {
        URL.revokeObjectURL(address);
      }
    };
    model.on("msg:custom", take);
    model.on("comm:close", () => reject(new Error("the composer was closed before its editor came")));
    model.send({ do: "editor" });
  });
}

// The draft as it is saved is not seen while the editor lives.
function hide(host) {
  host.style.display = "none";
  return () => {
    host.style.display = "";
  };
}

export default { initialize };
