// Requests pages from the kernel, one at a time; an answer to an older request is dropped.

// A unique id of the sender, because a second window, a reloaded page and another table receive messages of the same kernel.
const identity = () => [...crypto.getRandomValues(new Uint32Array(4))].map((number) => number.toString(36)).join("");

export function openPageRequests(model, name, heard) {
  const from = `${name}-${identity()}`;
  let [seq, flying, next] = [0, null, null];
  const copies = new Map();

  const send = (question) => {
    flying = { ...question, do: "page", from, seq: ++seq };
    next = null;
    model.send(flying);
    heard.sent(flying);
  };
  const onMessage = (message) => {
    if (message.to !== from) return;
    const copy = copies.get(message.seq);
    if (copy) {
      if (message.working) return;
      copies.delete(message.seq);
      copy(message);
    } else if (flying && message.seq === flying.seq) {
      if (message.working) return heard.working(message.working);
      const question = flying;
      flying = null;
      heard.answered(message, question);
      if (next && !flying) send(next);
    }
  };
  model.on("msg:custom", onMessage);
  return {
    // A new view is requested at once, and the kernel stops its work for the older one; a scroll waits for the last answer.
    view: send,
    page(question) {
      if (flying) next = question;
      else send(question);
    },
    copy(question, copied) {
      seq += 1;
      copies.set(seq, copied);
      model.send({ ...question, do: "copy", from, seq });
    },
    // Withdraws the request: its answer is not drawn, and the kernel stops its work for it.
    forget() {
      if (flying) model.send({ do: "forget", from });
      [flying, next] = [null, null];
    },
    stop: () => model.off("msg:custom", onMessage),
  };
}
