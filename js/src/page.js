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
      PAGE.mounted.set(host, { model, leave: mount(host, model) });
    }
  }
}

const isOurs = (node) => node.nodeType === 1 && (node.matches(".syndb-host") || node.querySelector(".syndb-host"));

// Mounts a model into every element of the class ``key``, now and whenever one appears; returns how to end that.
export function attend(key, model, mount) {
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
  look();
  return leave;
}
