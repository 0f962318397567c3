// The editor's colours, from JupyterLab's light or dark theme.
import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { EditorView } from "@codemirror/view";
import { tags } from "@lezer/highlight";

const color = (name, light) => `var(--jp-mirror-editor-${name}-color, ${light})`;
const highlight = HighlightStyle.define([
  { tag: tags.keyword, color: color("keyword", "#008000"), fontWeight: "bold" },
  { tag: [tags.string, tags.special(tags.string)], color: color("string", "#ba2121") },
  { tag: [tags.number, tags.bool, tags.null], color: color("number", "#080") },
  { tag: tags.comment, color: color("comment", "#408080"), fontStyle: "italic" },
  { tag: [tags.operator, tags.punctuation], color: color("operator", "#aa22ff") },
  { tag: [tags.typeName, tags.standard(tags.name)], color: color("builtin", "#30a") },
  { tag: tags.special(tags.name), color: color("variable-2", "#05a") },
]);

const text = "var(--jp-content-font-color1, #212121)";
const paper = "var(--jp-layout-color1, #fff)";
const line = "1px solid var(--jp-border-color1, #bdbdbd)";
const chosen = { backgroundColor: "var(--jp-brand-color1, #1976d2)", color: "var(--jp-ui-inverse-font-color0, #fff)" };
const view = EditorView.theme({
  "&": { color: text, backgroundColor: "var(--jp-cell-editor-background, #f7f7f7)", fontSize: "var(--jp-code-font-size, 13px)" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--jp-code-font-family, monospace)", lineHeight: "1.5", overflow: "auto" },
  ".cm-content": { caretColor: "var(--jp-editor-cursor-color, #000)", padding: "6px 0" },
  ".cm-cursor, .cm-dropCursor": { borderLeftColor: "var(--jp-editor-cursor-color, #000)", borderLeftWidth: "2px" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": { background: "var(--jp-editor-selected-background, #d9d9d9)" },
  "&.cm-focused .cm-selectionBackground": { background: "var(--jp-editor-selected-focused-background, #d7d4f0)" },
  ".cm-gutters": { backgroundColor: "transparent", color: "var(--jp-ui-font-color3, #9e9e9e)", border: "none" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "transparent" },
  "&.cm-focused .cm-activeLineGutter": { color: "var(--jp-ui-font-color1, #212121)" },
  ".cm-placeholder": { color: "var(--jp-ui-font-color3, #9e9e9e)" },
  "&.cm-focused .cm-matchingBracket": { backgroundColor: "var(--jp-mirror-editor-bracket-background, #bbdefb80)", outline: "1px solid currentColor" },
  ".cm-lintRange-error": { backgroundImage: "none", textDecoration: "underline wavy var(--jp-error-color1, #d32f2f) 1.5px", textUnderlineOffset: "3px", textDecorationSkipInk: "none" },
  ".syndb-dataset-name": { margin: "0 4px", padding: "0 6px", borderRadius: "8px", fontSize: "11px", backgroundColor: "var(--jp-layout-color3, #e0e0e0)", color: "var(--jp-ui-font-color1, #212121)", userSelect: "none" },
  "&.cm-tooltip, .cm-tooltip": { backgroundColor: paper, color: text, border: line, borderRadius: "4px", boxShadow: "var(--jp-elevation-z6, 0 3px 8px #0003)", zIndex: "10001" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": { fontFamily: "var(--jp-code-font-family, monospace)", fontSize: "12px", maxHeight: "17em", maxWidth: "min(560px, 95vw)" },
  ".cm-tooltip-autocomplete > ul > li": { padding: "2px 8px", lineHeight: "1.5", overflow: "hidden", textOverflow: "ellipsis", whiteSpace: "nowrap" },
  ".cm-tooltip-autocomplete > ul > li[aria-selected]": chosen,
  ".cm-completionDetail": { fontStyle: "normal", opacity: "0.75", marginLeft: "1.2em" },
  ".cm-completionMatchedText": { textDecoration: "none", fontWeight: "bold" },
  ".cm-tooltip.cm-completionInfo": { padding: "6px 10px", whiteSpace: "pre-line", fontFamily: "var(--jp-ui-font-family, sans-serif)", fontSize: "12px", maxWidth: "320px" },
  ".cm-diagnostic": { padding: "6px 10px", fontFamily: "var(--jp-ui-font-family, sans-serif)", fontSize: "12px", whiteSpace: "pre-wrap", maxWidth: "520px" },
  ".cm-diagnostic-error": { borderLeft: "4px solid var(--jp-error-color1, #d32f2f)" },
});

export const theme = [view, syntaxHighlighting(highlight)];
