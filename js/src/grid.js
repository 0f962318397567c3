// The table on the page: draws the visible rows, and converts scrolling, keys and clicks to requests.
import { openPageRequests } from "./page_requests.js";
import { copyToClipboard } from "./clipboard.js";
import { element, setText } from "./dom.js";
import * as at from "./geometry.js";
import { HELP, createHeadings } from "./headings.js";

const SHOWN_ROWS = 20;
const SLOW_AFTER_MS = 300;
const TYPING_MS = 350;
const CHARACTER = 7.4;
const NARROWEST = 80;
const WIDEST = 340;
const KEYS =
  "Arrow keys, Page Up and Page Down move; Home and End go to the first and the last row; Enter on a heading sorts, " +
  "with Shift by a further column; / filters the column; Shift with an arrow selects rows; Control C copies.";
let mounted = 0;

const widthOf = (column) => Math.min(Math.max(column.chars * CHARACTER + 26, NARROWEST), WIDEST);

export function createGrid(model, before) {
  const board = model.get("board");
  const { columns } = board;
  const id = `syndb-grid-${(mounted += 1)}`;
  const state = {
    first: 0,
    left: 0,
    total: board.rows,
    row: 0,
    column: 0,
    anchor: null,
    sort: [],
    filters: {},
    widths: columns.map(widthOf),
    ...before,
  };
  let [block, shown, isPending, note, problem, work, typedIn, refused] = [null, null, false, "", null, "", null, ""];
  let [edges, expected, timer, typing, frame] = [at.columnEdges(state.widths), 0, 0, 0, 0];
  const gutter = Math.max(String(board.rows).length * 8 + 22, 40);

  const parts = {
    count: element("span", "syndb-grid-count"),
    work: element("span", "syndb-grid-work"),
    go: element("input", "syndb-grid-input syndb-grid-go"),
    all: button("Show all", "syndb-grid-all", "No filter, no sorting"),
    copy: button("Copy", "syndb-grid-copy", "Copy the selected rows, or those in view, as text"),
    heads: element("div", "syndb-grid-heads"),
    scroller: element("div", "syndb-grid-scroller"),
    tall: element("div", "syndb-grid-tall"),
    layer: element("div", "syndb-grid-layer"),
    problem: element("div", "syndb-grid-problem"),
    cell: element("div", "syndb-grid-cell"),
    keys: element("span", "syndb-grid-hidden", KEYS),
  };
  const body = element("div", "syndb-grid-body", parts.heads, parts.scroller);
  const bar = element(
    "div",
    "syndb-grid-bar",
    element("b", "syndb-grid-title", board.title),
    parts.count,
    parts.work,
    element("label", "syndb-grid-label", "Row ", parts.go),
    parts.all,
    parts.copy,
  );
  const warning = element("div", "syndb-grid-note", board.note);
  const node = element("div", "syndb-grid", bar, warning, body, parts.problem, parts.cell, parts.keys);
  dress();

  const ask = openPageRequests(model, id, {
    sent: () => {
      clearTimeout(timer);
      timer = setTimeout(() => tellWork("waiting for the kernel"), SLOW_AFTER_MS);
    },
    working: (word) => {
      clearTimeout(timer);
      tellWork(word);
    },
    answered: (answer, question) => {
      clearTimeout(timer);
      tellWork("");
      if (answer.error) {
        refused = whole(question);
        return fail(answer);
      }
      const isNew = shown !== null && keyOf(question) !== keyOf(shown);
      [block, shown] = [{ ...answer, wide: question.wide }, { sort: question.sort, filters: question.filters }];
      state.total = answer.total;
      if (keyOf(question) === keyOf(view())) [isPending, problem] = [false, null];
      if (isNew) [state.first, state.row] = [0, Math.min(state.row, 0)];
      lay();
    },
  });
  const heads = createHeadings(parts.heads, columns, {
    sort: (column, further) => {
      state.sort = at.toggleSort(state.sort, column, further);
      newView();
    },
    filter: (column, text, isNow) => {
      state.filters = { ...state.filters, [column]: text };
      clearTimeout(typing);
      typing = setTimeout(newView, isNow ? 0 : TYPING_MS);
    },
    widen: (column, width) => {
      state.widths[column] = Math.max(width, NARROWEST);
      edges = at.columnEdges(state.widths);
      lay();
    },
    blur: () => {
      typedIn = null;
      tell();
    },
    focus: (column) => {
      [state.column, typedIn] = [column, column];
      seeColumn();
      draw();
    },
    leave: () => body.focus(),
  });
  const watch = new ResizeObserver(() => lay());

  function dress() {
    warning.hidden = !board.note;
    parts.count.setAttribute("role", "status");
    parts.work.setAttribute("role", "status");
    parts.problem.setAttribute("role", "alert");
    parts.keys.id = `${id}-keys`;
    Object.assign(parts.go, { placeholder: "go to", inputMode: "numeric" });
    parts.go.setAttribute("aria-label", "Go to row");
    parts.scroller.tabIndex = -1;
    body.tabIndex = 0;
    node.dataset.lmSuppressShortcuts = "true";
    const named = { role: "grid", "aria-label": board.title, "aria-describedby": parts.keys.id, "aria-multiselectable": "true" };
    for (const [name, value] of Object.entries(named)) body.setAttribute(name, value);
    body.setAttribute("aria-colcount", columns.length + 1);
    parts.heads.setAttribute("role", "rowgroup");
    parts.layer.setAttribute("role", "rowgroup");
    for (const one of [parts.scroller, parts.tall]) one.setAttribute("role", "presentation");
    parts.tall.append(parts.layer);
    parts.scroller.append(parts.tall);
    body.style.setProperty("--syndb-gutter", `${gutter}px`);
  }

  const view = () => ({ sort: state.sort, filters: typed() });
  const typed = () => Object.fromEntries(Object.entries(state.filters).filter(([, text]) => text.trim()));
  const keyOf = ({ sort, filters }) => JSON.stringify([sort, filters]);
  const whole = ({ sort, filters, first, count, left, wide }) => JSON.stringify([sort, filters, first, count, left, wide]);
  const tall = () => parts.scroller.clientHeight;
  const selection = () =>
    state.anchor === null ? null : [Math.min(state.anchor, state.row), Math.max(state.anchor, state.row)];

  function newView() {
    clearTimeout(typing);
    if (shown && keyOf(view()) === keyOf(shown)) {
      ask.forget();
      [isPending, problem] = [false, null];
      tellWork("");
      return lay();
    }
    [isPending, problem, state.anchor, note] = [true, null, null, ""];
    ask.view({ ...view(), first: 0, count: 3 * SHOWN_ROWS, ...wanted(columnsInView()) });
    draw();
  }

  function fail({ error, column }) {
    [problem, isPending] = [{ error: column === undefined ? error : `${columns[column].name}: ${error}`, column }, false];
    draw();
  }

  function tellWork(word) {
    work = word;
    setText(parts.work, word && `${word} …`);
    node.classList.toggle("syndb-grid-busy", Boolean(work));
    body.setAttribute("aria-busy", String(Boolean(work)));
  }

  // The size of the scrolled area depends on the number of rows and the widths of the columns.
  function lay() {
    const rows = Math.min(Math.max(board.rows, 1), SHOWN_ROWS);
    parts.scroller.style.height = `${rows * at.ROW + (parts.scroller.offsetHeight - parts.scroller.clientHeight)}px`;
    parts.tall.style.height = `${Math.max(at.scrollHeight(state.total), 1)}px`;
    parts.tall.style.width = `${gutter + edges.at(-1)}px`;
    parts.layer.style.width = `${parts.scroller.clientWidth}px`;
    parts.layer.style.height = `${tall()}px`;
    turnTo(state.first);
    draw();
  }

  function turnTo(first) {
    state.first = Math.min(Math.max(first, 0), at.maxFirstRow(state.total, tall()));
    parts.scroller.scrollTop = at.scrollTopOf(state.first, state.total, tall());
    expected = parts.scroller.scrollTop;
  }

  const columnsInView = () => {
    const { scrollLeft, clientWidth } = parts.scroller;
    return at.columnsBetween(scrollLeft, scrollLeft + Math.max(clientWidth - gutter, 1), edges);
  };
  const wanted = ([from, to]) => {
    const left = Math.max(from - 3, 0);
    return { left, wide: Math.min(to + 3, columns.length) - left };
  };

  function draw() {
    cancelAnimationFrame(frame);
    const across = columnsInView();
    const down = [Math.floor(state.first), Math.min(Math.ceil(state.first + tall() / at.ROW), state.total)];
    state.left = parts.scroller.scrollLeft;
    heads.draw(across, { ...state, edges, gutter, problem: problem?.column, isActive: state.row === -1, id });
    const lines = [];
    for (let row = down[0]; row < down[1]; row += 1) lines.push(line(row, across));
    parts.layer.replaceChildren(...(lines.length || isPending ? lines : [element("div", "syndb-grid-empty", empty())]));
    node.classList.toggle("syndb-grid-pending", isPending || problem?.column !== undefined);
    tell();
    if (isPending || at.covers(block, down, across)) return;
    const first = Math.max(down[0] - SHOWN_ROWS, 0);
    const question = { ...(shown ?? view()), first, count: down[1] - first + SHOWN_ROWS, ...wanted(across) };
    if (whole(question) !== refused) ask.page(question);
  }

  const empty = () => (!board.rows ? "no rows" : state.total ? "" : "no row matches");

  const cellAt = (row, column) => {
    const cells = block?.cells[row - block.first];
    const index = column - (block?.left ?? 0);
    return cells && index >= 0 && index < cells.length ? cells[index] : undefined;
  };

  function line(row, [from, to]) {
    const made = element("div", "syndb-grid-row");
    const chosen = selection();
    const isChosen = chosen !== null && chosen[0] <= row && row <= chosen[1];
    made.setAttribute("role", "row");
    made.setAttribute("aria-rowindex", row + 2);
    made.setAttribute("aria-selected", String(isChosen));
    made.dataset.row = row;
    made.style.transform = `translateY(${(row - state.first) * at.ROW}px)`;
    made.classList.toggle("syndb-grid-even", row % 2 === 1);
    const number = element("div", "syndb-grid-number", at.formatInteger(row + 1));
    number.setAttribute("role", "rowheader");
    const stored = block?.numbers[row - block.first];
    if (stored !== undefined && stored !== row) number.title = `row ${at.formatInteger(stored + 1)} of the stored result`;
    for (let column = from; column < to; column += 1) made.append(cell(row, column));
    made.append(number);
    return made;
  }

  function cell(row, column) {
    const value = cellAt(row, column);
    const made = element("div", "syndb-grid-td", value === undefined ? "" : textOf(value));
    made.classList.toggle("syndb-grid-null", value === null);
    made.classList.toggle("syndb-grid-right", columns[column].numeric);
    if (value === undefined) made.classList.add("syndb-grid-unknown");
    made.setAttribute("role", "gridcell");
    made.setAttribute("aria-colindex", column + 2);
    made.dataset.column = column;
    made.style.left = `${gutter + edges[column] - parts.scroller.scrollLeft}px`;
    made.style.width = `${state.widths[column]}px`;
    if (row === state.row && column === state.column) {
      made.id = `${id}-active`;
      made.classList.add("syndb-grid-active");
    }
    return made;
  }

  function tell() {
    const isFiltered = Boolean(shown && Object.keys(shown.filters).length);
    const count = isFiltered ? `${at.formatInteger(state.total)} of ${at.formatRowCount(board.rows)} match` : at.formatRowCount(board.rows);
    const chosen = selection();
    const picked = chosen ? `${at.formatRowCount(chosen[1] - chosen[0] + 1)} selected` : "";
    setText(parts.count, isPending ? "" : [count, picked, note].filter(Boolean).join(" · "));
    setText(parts.problem, problem ? problem.error : "");
    parts.all.hidden = !state.sort.length && !Object.values(state.filters).some((text) => text.trim());
    body.setAttribute("aria-rowcount", state.total + 1);
    if (state.row === -1) body.setAttribute("aria-activedescendant", `${id}-head-${state.column}`);
    else body.setAttribute("aria-activedescendant", `${id}-active`);
    const value = state.row < 0 ? undefined : cellAt(state.row, state.column);
    const length = Array.isArray(value) ? `${at.formatInteger(value[1])} characters (copied whole): ` : "";
    parts.cell.hidden = !board.rows;
    parts.cell.replaceChildren();
    if (typedIn !== null) parts.cell.append(element("span", "syndb-grid-where", `Filter ${columns[typedIn].name} by `), HELP);
    else if (state.row < 0 && columns.length) {
      const { name, type } = columns[state.column];
      parts.cell.append(element("span", "syndb-grid-where", `${name}, ${type}: Enter sorts, / filters`));
    } else if (value !== undefined && columns.length) {
      const where = element("span", "syndb-grid-where", `${columns[state.column].name}, row ${at.formatInteger(state.row + 1)} `);
      parts.cell.append(where, length, element("span", value === null ? "syndb-grid-null" : "", textOf(value)));
    }
  }

  function seeColumn() {
    const [start, end] = [edges[state.column], edges[state.column + 1]];
    const room = parts.scroller.clientWidth - gutter;
    const { scrollLeft } = parts.scroller;
    parts.scroller.scrollLeft = start < scrollLeft ? start : end > scrollLeft + room ? Math.min(end - room, start) : scrollLeft;
  }

  function move(row, column, isSelecting = false) {
    if (isSelecting && state.anchor === null) state.anchor = Math.max(state.row, 0);
    if (!isSelecting) state.anchor = null;
    note = "";
    state.row = Math.min(Math.max(row, isSelecting ? 0 : -1), state.total - 1);
    state.column = Math.min(Math.max(column, 0), Math.max(columns.length - 1, 0));
    if (state.row >= 0) turnTo(at.reveal(state.row, state.first, state.total, tall()));
    seeColumn();
    draw();
  }

  const page = () => Math.max(Math.floor(tall() / at.ROW) - 1, 1);
  const last = () => state.total - 1;
  const moves = {
    ArrowDown: () => [state.row + 1, state.column],
    ArrowUp: () => [state.row - 1, state.column],
    ArrowLeft: (far) => [state.row, far ? 0 : state.column - 1],
    ArrowRight: (far) => [state.row, far ? columns.length - 1 : state.column + 1],
    PageDown: () => [Math.min(Math.max(state.row, 0) + page(), last()), state.column],
    PageUp: () => [Math.max(state.row - page(), 0), state.column],
    Home: (far) => [0, far ? 0 : state.column],
    End: (far) => [last(), far ? columns.length - 1 : state.column],
  };

  function press(event) {
    event.stopPropagation();
    if (event.target !== body && event.target !== parts.scroller) return;
    const far = event.ctrlKey || event.metaKey;
    if (state.row === -1 && event.altKey && event.key in { ArrowLeft: 1, ArrowRight: 1 }) {
      state.widths[state.column] = Math.max(state.widths[state.column] + (event.key === "ArrowLeft" ? -24 : 24), NARROWEST);
      edges = at.columnEdges(state.widths);
      lay();
    } else if (event.key in moves && !event.altKey) {
      move(...moves[event.key](far), event.shiftKey);
    } else if (event.key === "Enter" && state.row === -1) {
      state.sort = at.toggleSort(state.sort, state.column, event.shiftKey);
      newView();
    } else if (event.key === "/" && columns.length) {
      heads.edit(state.column);
    } else if (event.key === " ") {
      state.anchor = state.anchor === null && state.row >= 0 ? state.row : null;
      draw();
    } else if (far && event.key.toLowerCase() === "a") {
      [state.anchor, state.row] = [0, last()];
      draw();
    } else if (far && event.key.toLowerCase() === "c") {
      if (String(getSelection())) return;
      copy(!selection());
    } else if (event.key === "Escape") {
      if (state.anchor === null) return body.blur();
      state.anchor = null;
      draw();
    } else return;
    event.preventDefault();
  }

  function copy(isOneCell) {
    const value = cellAt(state.row, state.column);
    if (isOneCell && state.row < 0) return put(columns[state.column].name, "the heading");
    if (isOneCell && value === undefined) return;
    const seen = [Math.floor(state.first), Math.min(Math.ceil(state.first + tall() / at.ROW), state.total) - 1];
    const [from, to] = isOneCell ? [state.row, state.row] : (selection() ?? seen);
    const one = isOneCell ? { column: state.column } : {};
    ask.copy({ ...(shown ?? view()), first: from, count: to - from + 1, ...one }, (answer) => {
      if (answer.error) return fail({ error: answer.error });
      put(answer.copied, isOneCell ? "the cell" : at.formatRowCount(answer.rows));
    });
  }

  async function put(text, what) {
    const isDone = await copyToClipboard(text);
    [note, problem] = isDone ? [`${what} copied`, null] : [note, { error: "The browser does not let this page use the clipboard." }];
    draw();
  }

  function click(event) {
    const row = Number(event.target.closest(".syndb-grid-row")?.dataset.row ?? NaN);
    if (Number.isNaN(row) || event.button !== 0) return;
    event.preventDefault();
    const column = Number(event.target.dataset.column ?? state.column);
    const isNumber = event.target.classList.contains("syndb-grid-number");
    if (event.shiftKey) state.anchor ??= Math.max(state.row, 0);
    else state.anchor = isNumber ? row : null;
    [state.row, state.column, note] = [row, column, ""];
    body.focus({ preventScroll: true });
    draw();
  }

  function scroll() {
    const { scrollTop } = parts.scroller;
    if (scrollTop !== expected) {
      state.first = at.firstRowAt(scrollTop, state.total, tall());
      expected = scrollTop;
    }
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(draw);
  }

  // The wheel scrolls by rows even if a pixel represents several rows.
  function wheel(event) {
    if (!at.isScaled(state.total) || event.ctrlKey || event.shiftKey) return;
    const rows = event.deltaY * [1 / at.ROW, 1, tall() / at.ROW][event.deltaMode];
    const before_ = state.first;
    turnTo(state.first + rows);
    if (state.first === before_) return;
    event.preventDefault();
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(draw);
  }

  function go(event) {
    event.stopPropagation();
    if (event.key !== "Enter") return;
    const row = at.parseRowNumber(parts.go.value, state.total);
    problem = row === null ? { error: `There are rows 1 to ${at.formatInteger(state.total)}.` } : null;
    if (row === null) return draw();
    turnTo(row - Math.floor(tall() / at.ROW / 2));
    move(row, state.column);
    body.focus({ preventScroll: true });
  }

  function start() {
    body.addEventListener("keydown", press);
    parts.layer.addEventListener("mousedown", click);
    parts.scroller.addEventListener("scroll", scroll, { passive: true });
    parts.scroller.addEventListener("wheel", wheel, { passive: false });
    parts.go.addEventListener("keydown", go);
    parts.copy.addEventListener("click", () => copy(false));
    parts.all.addEventListener("click", () => {
      [state.sort, state.filters] = [[], {}];
      heads.clear();
      newView();
      body.focus();
    });
    heads.restore(state.filters);
    watch.observe(node);
    lay();
    parts.scroller.scrollLeft = state.left;
  }

  function stop() {
    watch.disconnect();
    cancelAnimationFrame(frame);
    [timer, typing].forEach(clearTimeout);
    ask.stop();
    return state;
  }

  return { node, start, stop };
}

const textOf = (value) => (value === null ? "NULL" : Array.isArray(value) ? `${value[0]}…` : value);

function button(text, classes, title) {
  const made = element("button", `syndb-grid-button ${classes}`, text);
  Object.assign(made, { type: "button", title });
  return made;
}
