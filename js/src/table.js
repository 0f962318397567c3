// A result of any length as a table: the kernel gives what is seen, and sorts and filters.
import { createGrid } from "./grid.js";
import { mountLive } from "./live_output.js";

const left = new WeakMap();

function initialize({ model }) {
  return mountLive(`syndb-table-${model.get("board").key}`, model, mount);
}

// JupyterLab takes cells that are out of sight off the page: what was seen of them is kept for their return.
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
