// A result of any length as a table: the kernel sends the visible rows, and sorts and filters.
import { createGrid } from "./grid.js";
import { mountLive } from "./live_output.js";

const left = new WeakMap();

function initialize({ model }) {
  return mountLive(`syndb-table-${model.get("board").key}`, model, mount);
}

// JupyterLab removes cells outside of the visible area from the page; their state is kept until they return.
function mount(host, model) {
  const still = host.querySelector(".syndb-still");
  const shown = createGrid(model, left.get(model));
  still.style.display = "none";
  host.append(shown.node);
  shown.start();
  return () => {
    left.set(model, shown.stop());
    shown.node.remove();
    still.style.display = "";
  };
}

export default { initialize };
