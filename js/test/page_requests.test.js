// Which answer is drawn when several pages send requests to one kernel: node --test test/
import assert from "node:assert/strict";
import { test } from "node:test";
import { openPageRequests } from "../src/page_requests.js";

// Random numbers from 0 (inclusive) to 1 (exclusive), the same for the same seed (mulberry32).
function randoms(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

// A kernel that answers in random order, sometimes reports that it works, and sends its messages to every page.
function kernel() {
  const pages = [];
  const waiting = [];
  return {
    waiting,
    model() {
      const heard = new Set();
      pages.push(heard);
      return {
        send: (question) => question.do === "forget" || waiting.push({ ...question }),
        on: (_, hear) => heard.add(hear),
        off: (_, hear) => heard.delete(hear),
      };
    },
    answer(number) {
      const [question] = waiting.splice(number, 1);
      const { from, seq, ...of } = question;
      const answer = of.do === "copy" ? { copied: of.view } : { of: of.view };
      for (const heard of pages) for (const hear of [...heard]) hear({ to: from, seq, ...answer });
    },
    work(number) {
      const { from, seq, view } = waiting[number];
      for (const heard of pages) for (const hear of [...heard]) hear({ to: from, seq, working: view });
    },
  };
}

// A page like that of grid.js: what it shows, its last request, and its last copy.
function page(model) {
  const state = { wanted: "stored", shown: "stored", copies: [], asked: [], isLeft: false };
  const ask = openPageRequests(model, "table", {
    sent: () => {},
    working(view) {
      assert.equal(view, state.wanted, "work for a view that was taken back is not told");
    },
    answered(answer, question) {
      assert.equal(answer.of, question.view, "an answer is drawn by who asked for it");
      assert.equal(state.isLeft, false, "a page that was left draws nothing");
      state.shown = answer.of;
    },
  });
  return {
    state,
    see(view) {
      state.wanted = view;
      if (view === state.shown) ask.forget();
      else ask.view({ view });
    },
    scroll: () => state.wanted === state.shown && ask.page({ view: state.shown }),
    copy() {
      const view = state.shown;
      state.asked.push(view);
      ask.copy({ view }, (answer) => state.copies.push([view, answer.copied]));
    },
    leave() {
      state.isLeft = true;
      ask.stop();
    },
  };
}

test("questions and answers of several pages in any order: each draws its own, and the newest", () => {
  for (let seed = 1; seed <= 300; seed += 1) {
    const random = randoms(seed);
    const below = (count) => Math.floor(random() * count);
    const one = kernel();
    const pages = [page(one.model()), page(one.model()), page(one.model())];
    for (let step = 0; step < 80; step += 1) {
      const number = below(pages.length);
      const act = random();
      if (act < 0.3) pages[number].see(["stored", "up", "down", "filtered"][below(4)]);
      else if (act < 0.4) pages[number].scroll();
      else if (act < 0.45) pages[number].copy();
      else if (act < 0.48) {
        pages[number].leave(); // a reload
        pages[number] = page(one.model());
      } else if (one.waiting.length && act < 0.6) one.work(below(one.waiting.length));
      else if (one.waiting.length) one.answer(below(one.waiting.length));
    }
    while (one.waiting.length) one.answer(below(one.waiting.length));
    for (const { state } of pages) {
      assert.equal(state.shown, state.wanted, `seed ${seed}: what is shown is what was wanted last`);
      assert.deepEqual(state.copies.map(([, copied]) => copied).sort(), [...state.asked].sort(), `seed ${seed}: copies`);
      for (const [asked, copied] of state.copies) assert.equal(copied, asked, `seed ${seed}: a copy is of the view it was asked for`);
    }
  }
});
