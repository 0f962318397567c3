// Puts what is live into the plain HTML that a cell's output holds, while the kernel lives. Saved is only that HTML,
// so that a notebook stays readable without a kernel, also one that was saved while a job ran.
const PAGE = (globalThis.__syndb ??= { living: new Map(), mounted: new Map(), observer: null });

function look() {
  for (const [host, { leave, model }] of PAGE.mounted) {
    const living = PAGE.living.get(host.dataset.syndbKey);
    if (host.isConnected && living?.model === model) continue;
    PAGE.mounted.delete(host);
    leave();
  }
  for (const [key, { model, mount }] of PAGE.living) {
    for (const host of document.querySelectorAll(`.${CSS.escape(key)}`)) {
      if (PAGE.mounted.has(host)) continue;
      host.dataset.syndbKey = key;
      PAGE.mounted.set(host, { model, leave: mounted(mount, host, model) });
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
export function attend(key, model, mount, { outlives = false } = {}) {
  PAGE.observer ??= new MutationObserver((changes) => {
    if (changes.some((one) => [...one.addedNodes, ...one.removedNodes].some(isOurs))) look();
  });
  PAGE.observer.observe(document.body, { childList: true, subtree: true });
  const leave = () => {
    if (PAGE.living.get(key)?.model === model) PAGE.living.delete(key);
    look();
  };
  PAGE.living.set(key, { model, mount });
  model.on("comm:close", leave);
  if (!outlives) model.on("comm_live_update", leave); // after a model's making this comes with a restart alone
  look();
  return leave;
}
