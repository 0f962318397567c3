// The draft of one view: sent to the kernel after a pause in typing, and replaced if another view or the kernel changes it.
const PAUSE_MS = 200;

export function openDraft(model) {
  const by = Math.random().toString(36).slice(2);
  const heard = new Set();
  let draft = { ...model.get("draft") };
  let timer = null;

  const flush = () => {
    if (timer === null) return;
    clearTimeout(timer);
    timer = null;
    model.set("draft", draft);
    model.save_changes();
  };
  const taken = () => {
    const sent = model.get("draft");
    if (sent.by === by) return;
    clearTimeout(timer);
    timer = null;
    draft = { ...sent };
    for (const tell of heard) tell(draft);
  };
  model.on("change:draft", taken);
  return {
    get now() {
      return draft;
    },
    change(part) {
      draft = { ...draft, ...part, serial: draft.serial + 1, by };
      clearTimeout(timer);
      timer = setTimeout(flush, PAUSE_MS);
    },
    // Whether an answer is for the current draft.
    isAbout: (answer) => answer.serial === draft.serial && answer.by === draft.by,
    onTaken: (tell) => heard.add(tell),
    flush,
    end() {
      flush();
      model.off("change:draft", taken);
    },
  };
}
