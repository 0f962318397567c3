// Mounts live views into the static HTML of a cell's output while the kernel runs. Only the static HTML is saved, so
// that a notebook is readable without a kernel, even if it was saved while a job ran.
//
// living: by class name, the models to show in elements of that class, the newest last, each with its mount function.
// mounted: by element, the model that it shows. Two cards of one job share a class; each element keeps its model, and
// changes to the other one only after its own has ended.
const PAGE = (globalThis.__syndbHosts ??= { living: new Map(), mounted: new Map(), observer: null });

function look() {
  for (const [host, { key, model, leave }] of PAGE.mounted) {
    if (host.isConnected && PAGE.living.get(key)?.has(model)) continue;
    PAGE.mounted.delete(host);
    leave();
  }
  for (const [key, models] of PAGE.living) {
    const [model, mount] = [...models].at(-1);
    for (const host of document.querySelectorAll(`.${CSS.escape(key)}`)) {
      if (!PAGE.mounted.has(host)) PAGE.mounted.set(host, { key, model, leave: mounted(mount, host, model) });
    }
  }
}

// An error in one view does not affect the others.
function mounted(mount, host, model) {
  try {
    return mount(host, model);
  } catch (error) {
    console.error("syndb: could not be shown", error);
    return () => {};
  }
}

const isOurs = (node) => node.nodeType === 1 && (node.matches(".syndb-host") || node.querySelector(".syndb-host"));

// Mounts a model into every present and future element of the class ``key``; returns a function that ends this.
// It also ends with the kernel, so that no view without a kernel looks live. ``outlives`` keeps it, for typed text.
export function mountLive(key, model, mount, { outlives = false } = {}) {
  PAGE.observer ??= new MutationObserver((changes) => {
    if (changes.some((one) => [...one.addedNodes, ...one.removedNodes].some(isOurs))) look();
  });
  PAGE.observer.observe(document.body, { childList: true, subtree: true });
  const leave = () => {
    const models = PAGE.living.get(key);
    models?.delete(model);
    if (models?.size === 0) PAGE.living.delete(key);
    look();
  };
  if (!PAGE.living.has(key)) PAGE.living.set(key, new Map());
  PAGE.living.get(key).set(model, mount);
  model.on("comm:close", leave);
  if (!outlives) model.on("comm_live_update", leave); // after the creation of a model, only a restart sends this event
  look();
  return leave;
}
