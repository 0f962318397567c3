// A composer in the page: fetches the editor once for all composers of a page, and mounts it in its output.
import { loadEditor } from "./composer/editor_loader.js";
import { mountLive } from "./live_output.js";

const KEPT = { outlives: true };

// Messages of the kernel arrive only after this function has returned, so it waits for none.
function initialize({ model }) {
  const key = model.get("key");
  let leave = [];
  let closed = false;
  const enter = ({ mount }) => {
    if (!closed) leave = [mountLive(`syndb-draft-${key}`, model, hide, KEPT), mountLive(`syndb-composer-${key}`, model, mount, KEPT)];
  };
  loadEditor(model).then(enter, (error) => closed || console.error("syndb: no composer", error));
  const end = () => {
    closed = true;
    leave.forEach((one) => one());
  };
  model.on("comm:close", end);
  return end;
}

// The static draft is hidden while the editor is live.
function hide(host) {
  host.style.display = "none";
  return () => {
    host.style.display = "";
  };
}

export default { initialize };
