// Loads the editor into the page, once per version. Only a loaded module is shared: each composer requests it from its
// own kernel, so that a busy or stopped kernel does not delay other notebooks.
const EDITORS = (globalThis.__syndb_editors ??= new Map());

export async function loadEditor(model) {
  return EDITORS.get(model.get("editor")) ?? fetched(model);
}

function fetched(model) {
  return new Promise((resolve, reject) => {
    const leave = () => {
      model.off("msg:custom", take);
      model.off("comm:close", gone);
      model.off("comm_live_update", gone);
    };
    const gone = () => {
      leave();
      reject(new Error("the kernel stopped before it sent the editor"));
    };
    const take = (message) => {
      if (!message.editor) return;
      leave();
      shared(model.get("editor"), message.editor).then(resolve, reject);
    };
    model.on("msg:custom", take);
    model.on("comm:close", gone);
    model.on("comm_live_update", gone); // after the creation of a model, only a restart sends this event
    model.send({ do: "editor" });
  });
}

async function shared(version, text) {
  if (EDITORS.has(version)) return EDITORS.get(version);
  const address = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  try {
    const came = await import(address);
    if (!EDITORS.has(version)) EDITORS.set(version, came);
    return EDITORS.get(version);
  } finally {
    URL.revokeObjectURL(address);
  }
}
