// Puts what is live into the plain HTML that a cell's output holds, while the kernel lives. Saved is only that HTML,
// so that a notebook stays readable without a kernel, also one that was saved while a job ran.
//
// living: by class name, the models that are to be seen in elements of that class, the newest last, each with its
// mount function. mounted: by element, the model that it shows. Two cards of one job share a class: each element keeps
// its model, and takes another one's only where its own has ended.
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

// What can't be shown takes none of the others with it.
function mounted(mount, host, model) {
  try {
    return mount(host, model);
  } catch (error) {
    console.error("syndb: could not be shown", error);
    return () => {};
  }
}

const isOurs = (node) => node.nodeType === 1 && (node.matches(".syndb-host") || node.querySelector(".syndb-host"));

// Mounts a model into every element of the class ``key``, now and whenever one appears; returns how to end that.
// Ends with the kernel: what nobody answers any more must not look live. ``outlives`` is for text that was typed.
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
  if (!outlives) model.on("comm_live_update", leave); // after a model's making this comes with a restart alone
  look();
  return leave;
}
