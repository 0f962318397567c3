// Positions in a text: the service counts lines and characters from 1, JavaScript counts UTF-16 code units from 0.

// Returns the offset of a line and a column in a document; a position outside becomes the nearest one inside.
export function offsetAt(doc, line, column) {
  const found = doc.line(Math.min(Math.max(line, 1), doc.lines));
  let at = 0;
  for (let left = (column ?? 1) - 1; left > 0 && at < found.text.length; left--) at += found.text.codePointAt(at) > 0xffff ? 2 : 1;
  return found.from + at;
}

// Returns the range to underline at a position: the word, text or symbol there.
export function spanAt(doc, line, column) {
  const from = offsetAt(doc, line, column);
  const rest = doc.lineAt(from).text.slice(from - doc.lineAt(from).from);
  const match = /^(?:"[^"]*"?|'[^']*'?|[:$]?[\p{L}\p{N}_]+|\{\{[^}]*\}{0,2}|[^\s])/u.exec(rest);
  if (match) return { from, to: from + match[0].length };
  return { from: Math.max(doc.lineAt(from).from, from - 1), to: from };
}
