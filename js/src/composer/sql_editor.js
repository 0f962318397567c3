// The SQL editor: CodeMirror with our completion, our underline, and dataset names after dataset ids.
import { acceptCompletion, autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { PostgreSQL, sql } from "@codemirror/lang-sql";
import { bracketMatching, indentUnit } from "@codemirror/language";
import { lintKeymap, setDiagnostics } from "@codemirror/lint";
import { Annotation, Compartment, EditorState, Prec } from "@codemirror/state";
import { Decoration, drawSelection, EditorView, highlightActiveLineGutter, highlightSpecialChars, keymap, lineNumbers, MatchDecorator, placeholder, tooltips, ViewPlugin, WidgetType } from "@codemirror/view";
import { element } from "../dom.js";
import { suggestionsAt } from "./suggestions.js";
import { offsetAt, spanAt } from "./positions.js";
import { theme } from "./theme.js";

const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi;
const LONG = 200;
const fromElsewhere = Annotation.define();

class DatasetName extends WidgetType {
  constructor(name) {
    super();
    this.name = name;
  }
  eq(other) {
    return other.name === this.name;
  }
  toDOM() {
    const made = element("span", "syndb-dataset-name", this.name);
    made.setAttribute("aria-hidden", "true");
    return made;
  }
}

function datasetNames(datasets) {
  const names = new Map(datasets.map((dataset) => [dataset.id.toLowerCase(), dataset.name]));
  const matcher = new MatchDecorator({
    regexp: UUID,
    decorate: (add, from, to, match) => {
      const name = names.get(match[0].toLowerCase());
      if (name) add(to, to, Decoration.widget({ widget: new DatasetName(name), side: 1 }));
    },
  });
  return ViewPlugin.define((view) => ({ shown: matcher.createDeco(view), update(change) { this.shown = matcher.updateDeco(change, this.shown); } }), { decorations: (plugin) => plugin.shown });
}

// Handles a long text that is inserted at once without pasting (dictated, or inserted by a program) as one change;
// otherwise the browser builds all of it in the page first.
function takeWhole(event, view) {
  const text = event.data ?? event.dataTransfer?.getData("text/plain") ?? "";
  if (text.length < LONG || !event.cancelable || view.composing) return false;
  event.preventDefault();
  const [range] = event.getTargetRanges();
  const place = range && view.contentDOM.contains(range.startContainer) && view.contentDOM.contains(range.endContainer);
  const from = place ? view.posAtDOM(range.startContainer, range.startOffset) : view.state.selection.main.from;
  const to = place ? view.posAtDOM(range.endContainer, range.endOffset) : view.state.selection.main.to;
  const insert = view.state.toText(text);
  view.dispatch({ changes: { from, to, insert }, selection: { anchor: from + insert.length }, userEvent: "input.paste", scrollIntoView: true });
  return true;
}

// Builds an editor. ``world()`` returns the data for completion, ``typed(text)`` is called for each change in the
// editor, ``run`` for Shift-Enter.
export function createSqlEditor({ text, world, typed, run }) {
  const names = new Compartment();
  const pressed = () => {
    run();
    return true;
  };
  const view = new EditorView({
    state: EditorState.create({
      doc: text,
      extensions: [
        Prec.highest(keymap.of([{ key: "Shift-Enter", run: pressed }, { key: "Mod-Enter", run: pressed }])),
        lineNumbers(),
        highlightActiveLineGutter(),
        highlightSpecialChars(),
        history(),
        drawSelection(),
        indentUnit.of("  "),
        bracketMatching(),
        closeBrackets(),
        autocompletion({
          override: [(context) => suggestionsAt(context.state.doc.toString(), context.pos, world(), context.explicit)],
          icons: false,
          maxRenderedOptions: 100,
        }),
        keymap.of([...closeBracketsKeymap, { key: "Tab", run: acceptCompletion }, ...completionKeymap, ...historyKeymap, ...lintKeymap, ...defaultKeymap]),
        sql({ dialect: PostgreSQL }),
        names.of([]),
        tooltips({ parent: document.body }),
        placeholder("SELECT …"),
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({ "aria-label": "SQL", spellcheck: "false", autocapitalize: "off" }),
        EditorView.domEventHandlers({ beforeinput: takeWhole }),
        EditorView.updateListener.of((update) => {
          const ours = update.transactions.some((one) => one.docChanged && !one.annotation(fromElsewhere));
          if (ours) typed(update.state.doc.toString());
        }),
        theme,
      ],
    }),
  });

  return {
    dom: view.dom,
    focus: () => view.focus(),
    // Shows a text that another view or the kernel has changed.
    take(other) {
      if (view.state.doc.toString() === other) return;
      view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: other }, annotations: fromElsewhere.of(true) });
    },
    // Replaces the complete text, like typing; the user can undo it.
    write(other) {
      const insert = view.state.toText(other);
      view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert }, selection: { anchor: insert.length }, userEvent: "input.paste" });
      view.focus();
    },
    insert(name) {
      view.dispatch(view.state.replaceSelection(name), { userEvent: "input.paste" });
      view.focus();
    },
    go(line, column) {
      view.dispatch({ selection: { anchor: offsetAt(view.state.doc, line, column) }, scrollIntoView: true });
      view.focus();
    },
    underline(found) {
      const marks = found ? [{ ...spanAt(view.state.doc, found.line, found.column), severity: "error", message: [found.message, found.hint].filter(Boolean).join("\n") }] : [];
      view.dispatch(setDiagnostics(view.state, marks));
    },
    name: (datasets) => view.dispatch({ effects: names.reconfigure(datasetNames(datasets)) }),
    end: () => view.destroy(),
  };
}
