// Splits SQL into tokens: texts, comments, words and symbols, with their depth in brackets.
const KINDS = ["", "space", "comment", "text", "quoted", "text", "job", "word", "number", "sign"];
const TOKEN =
  /(\s+)|(--[^\n]*|\/\*)|([eE]?'[^']*(?:''[^']*)*'?)|("[^"]*(?:""[^"]*)*"?)|(\$(?:[\p{L}_][\p{L}\p{N}_]*)?\$)|(\{\{\s*[\w-]*\s*\}{0,2})|([\p{L}_][\p{L}\p{N}_]*)|(\d[\w.]*)|(::|.)/suy;

export const foldCase = (name) => name.toLowerCase();

// The name of a token: the token itself, or the text between its quotation marks.
export function tokenName(token) {
  if (token.kind !== "quoted") return token.text;
  return token.text.slice(1, token.text.length > 1 && token.text.endsWith('"') ? -1 : undefined).replaceAll('""', '"');
}

// Lists the tokens without white space: {kind, text, from, to, closed}; a comment or a text is one token.
export function tokenize(sql) {
  const found = [];
  let at = 0;
  while (at < sql.length) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(sql);
    const text = match[0];
    const kind = KINDS[match.indexOf(text, 1)];
    let to = at + text.length;
    let closed = true;
    if (text === "/*") {
      to = commentEnd(sql, to);
      closed = sql.endsWith("*/", to) && to - at > 3;
    } else if (kind === "comment") {
      closed = false;
    } else if (match[5] !== undefined) {
      const end = sql.indexOf(text, to);
      closed = end >= 0;
      to = closed ? end + text.length : sql.length;
    } else if (kind === "text") {
      closed = text.length > 1 + text.indexOf("'") && text.endsWith("'");
    } else if (kind === "quoted") {
      closed = text.length > 1 && text.endsWith('"');
    }
    if (kind !== "space") found.push({ kind, text: sql.slice(at, to), from: at, to, closed });
    at = to;
  }
  return found;
}

function commentEnd(sql, start) {
  let depth = 1;
  const edge = /\/\*|\*\//g;
  edge.lastIndex = start;
  for (let match = edge.exec(sql); match; match = edge.exec(sql)) {
    depth += match[0] === "/*" ? 1 : -1;
    if (depth === 0) return edge.lastIndex;
  }
  return sql.length;
}

const OPEN = { "(": ")", "[": "]", "{": "}" };

// Nests the tokens by their brackets: a group is {group, from, to, items}; an unclosed group extends to the end.
export function nestedTokens(list, end) {
  const top = { group: "", from: 0, to: end, items: [], closed: false };
  const stack = [top];
  for (const token of list) {
    const here = stack.at(-1);
    if (token.kind === "comment") continue;
    if (token.kind === "sign" && OPEN[token.text]) {
      const group = { group: token.text, from: token.from, to: end, items: [], closed: false };
      here.items.push(group);
      stack.push(group);
    } else if (token.kind === "sign" && OPEN[here.group] === token.text) {
      [here.to, here.closed] = [token.to, true];
      stack.pop();
    } else {
      here.items.push(token);
    }
  }
  return top;
}
