// A composer in the page: fetches the editor, once for all composers of a page, and puts it where its output is.
import { editorOf } from "./composer/arrival.js";
import { attend } from "./page.js";

const KEPT = { outlives: true };

// Messages of the kernel come only after this has returned: it waits for none.
function initialize({ model }) {
  const key = model.get("key");
  let leave = [];
  let closed = false;
  const enter = ({ mount }) => {
    if (!closed) leave = [attend(`syndb-draft-${key}`, model, hide, KEPT), attend(`syndb-composer-${key}`, model, mount, KEPT)];
  };
  editorOf(model).then(enter, (error) => closed || console.error("syndb: no composer", error));
  const end = () => {
    closed = true;
    leave.forEach((one) => one());
  };
  model.on("comm:close", end);
  return end;
}

// The draft as it is saved is not seen while the editor lives.
function hide(host) {
  host.style.display = "none";
  return () => {
    host.style.display = "";
  };
}

export default { initialize };
