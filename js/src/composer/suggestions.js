// The suggestions at a position in SQL: columns (also of aliases), tables, datasets, functions, parameters, jobs.
import { FUNCTIONS, KEYWORDS } from "./functions.js";
import { scopeAt } from "./scope.js";
import { foldCase, tokenName } from "./tokens.js";

const WORD = /[\p{L}\p{N}_]*$/u;
const PLAIN = /^[a-z_][a-z0-9_]*$/i;
const RESERVED = new Set(
  "all and any as asc between both case cast check collate column constraint create cross default desc describe distinct do else end except exists false fetch for foreign from full glob group having ilike in inner intersect into is isnull join lateral leading left like limit natural not notnull null offset on only or order outer pivot placing positional primary qualify references returning right select semi show similar some summarize symmetric table then to trailing true union unique unpivot using values variadic when where window with".split(" "),
);
const NAME_FOLLOWS = new Set(["from", "join"]);

// Formats a name for SQL, in quotation marks if it is not a plain identifier.
export const quoteName = (name) => (PLAIN.test(name) && !RESERVED.has(foldCase(name)) ? name : `"${name.replaceAll('"', '""')}"`);

// Collects the tables of all datasets: {name, columns, rows} by lower-case name.
export function collectTables(datasets) {
  const tables = new Map();
  for (const dataset of datasets) {
    for (const table of dataset.tables) {
      const known = tables.get(foldCase(table.name)) ?? { name: table.name, columns: [], rows: [] };
      const names = new Set(known.columns.map((column) => column.name));
      known.columns = [...known.columns, ...table.columns.filter((column) => !names.has(column.name))];
      known.rows = [...known.rows, `${dataset.name}: ${table.rows} rows`];
      tables.set(foldCase(table.name), known);
    }
  }
  return tables;
}

const columnOffer = (column, source, boost) => ({
  label: column.name,
  apply: quoteName(column.name),
  type: "property",
  detail: [column.type, column.unit].filter(Boolean).join(" · "),
  info: [column.description, source && `of ${source}`].filter(Boolean).join("\n"),
  boost,
});
const tableOffer = (table, boost) => ({
  label: table.name,
  apply: quoteName(table.name),
  type: "type",
  detail: table.rows ? "table" : "WITH",
  info: [...(table.rows ?? []), `${table.columns.length} columns`].join("\n"),
  boost,
});
const functionOffer = (one, boost) => ({
  label: one.call,
  apply: one.call.endsWith("()") || one.call.endsWith("(*)") ? one.call : `${one.name}(`,
  type: "function",
  info: one.says,
  boost,
});

function datasetOffers(datasets, write, boost) {
  return datasets.flatMap((dataset) => {
    const offer = { type: "constant", apply: write(dataset.id), info: `${dataset.title}\n${dataset.id}`, boost };
    return [
      { ...offer, label: dataset.name, detail: dataset.species },
      ...(dataset.title && dataset.title !== dataset.name ? [{ ...offer, label: dataset.title, detail: dataset.name, boost: boost - 1 }] : []),
    ];
  });
}

// Whether the text before a position compares it with dataset_id: = '…', IN ('…', '…').
function wantsDataset(before) {
  let at = before.length - 1;
  const is = (index, ...texts) => texts.includes(foldCase(before[index]?.text ?? ""));
  if (is(at, "=", ">", "from", "==")) {
    while (is(at, "=", ">", "<", "!", "==")) at--;
  } else {
    while (at >= 0 && (is(at, ",") || before[at].kind === "text" || before[at].kind === "job")) at--;
    if (!(is(at, "(") && is(at - 1, "in"))) return false;
    at -= is(at - 2, "not") ? 3 : 2;
  }
  const left = before[at];
  return Boolean(left) && (left.kind === "word" || left.kind === "quoted") && /(^|_)dataset_id$/.test(foldCase(tokenName(left)));
}

// Returns the suggestions at a position: {from, to, options, validFor}, or null if there are none.
export function suggestionsAt(sql, offset, world, explicit) {
  const scope = scopeAt(sql, offset, world.tables, world.jobs);
  const index = scope.tokens.findLastIndex((token) => token.from < offset);
  const inside = scope.tokens[index];
  const within = inside && (offset < inside.to || !inside.closed || (offset === inside.to && inside.kind === "comment" && !inside.text.endsWith("*/")));
  if (within && inside.kind === "comment") return null;
  if (within && inside.kind === "text") {
    if (!inside.text.startsWith("'") || !wantsDataset(scope.tokens.slice(0, index))) return null;
    const close = inside.closed ? "" : "'";
    return { from: inside.from + 1, to: inside.closed ? inside.to - 1 : offset, options: datasetOffers(world.datasets, (id) => id + close, 1), validFor: /^[^'\n]*$/ };
  }
  if (inside?.kind === "job" && offset <= inside.to) {
    const options = world.jobs.map((job) => ({ label: `{{${job.name}}}`, type: "variable", detail: "stored result" }));
    return { from: inside.from, to: inside.to, options, validFor: /^\{\{\s*[\w-]*\}{0,2}$/ };
  }
  const isQuoted = within && inside.kind === "quoted";
  const typed = isQuoted ? sql.slice(inside.from + 1, offset) : WORD.exec(sql.slice(0, offset))[0];
  const from = isQuoted ? inside.from : offset - typed.length;
  const before = scope.tokens.filter((token) => token.to <= from && token.kind !== "comment");
  const last = before.at(-1);
  const validFor = isQuoted ? /^"[^"]*$/ : /^[\p{L}\p{N}_]*$/u;
  const result = (options) => (options.length ? { from, to: offset, options: isQuoted ? options.map(inQuotes) : options, validFor } : null);
  if (last?.text === "." && last.kind === "sign") return result(throughAlias(before, scope, world));
  if (/^\d/.test(typed)) return null;
  const colon = last?.kind === "sign" && last.text === ":" && last.to === from && before.at(-2)?.text !== ":";
  if (colon) {
    const names = world.parameters.map((name) => ({ label: name, type: "variable", detail: "parameter" }));
    return names.length ? { from, to: offset, options: names, validFor } : null;
  }
  if (!typed && !explicit && !isQuoted) return null;
  if (last?.kind === "word" && NAME_FOLLOWS.has(foldCase(last.text))) return result(tableOffers(scope, world, 2));
  if (afterComma(before)) return result([...tableOffers(scope, world, 2), ...general(scope, world)]);
  const datasets = wantsDataset(before) ? datasetOffers(world.datasets, (id) => `'${id}'`, 3) : [];
  return result([...datasets, ...general(scope, world)]);
}

const inQuotes = (offer) => ({ ...offer, label: `"${offer.label}`, displayLabel: offer.label, apply: offer.apply.startsWith('"') ? offer.apply : `"${offer.apply}"` });

function throughAlias(before, scope, world) {
  const owner = before.at(-2);
  if (!owner || !(owner.kind === "word" || owner.kind === "quoted")) return [];
  const name = foldCase(tokenName(owner));
  const source = scope.sources.find((one) => foldCase(one.name) === name) ?? scope.sources.find((one) => foldCase(one.table) === name);
  const columns = source?.columns ?? scope.ctes.find((one) => foldCase(one.name) === name)?.columns ?? world.tables.get(name)?.columns ?? [];
  return columns.map((column) => columnOffer(column, source?.table ?? "", 0));
}

const tableOffers = (scope, world, boost) => [
  ...scope.ctes.map((table) => tableOffer(table, boost + 1)),
  ...[...world.tables.values()].map((table) => tableOffer(table, boost)),
];

// Whether the comma before a position is in a FROM clause.
function afterComma(before) {
  if (before.at(-1)?.text !== ",") return false;
  const clause = before.findLast((token) => token.kind === "word" && /^(select|from|where|group|order|on|using|having|with)$/i.test(token.text));
  return foldCase(clause?.text ?? "") === "from";
}

function general(scope, world) {
  const known = new Set();
  const own = scope.sources.flatMap((source) => source.columns.map((column) => columnOffer(column, source.name, 1))).filter((offer) => !known.has(offer.label) && known.add(offer.label));
  const others = scope.sources.length
    ? []
    : [...world.tables.values()].flatMap((table) => table.columns.map((column) => columnOffer(column, table.name, 0))).filter((offer) => !known.has(offer.label) && known.add(offer.label));
  const aliases = scope.sources
    .filter((source) => source.name && foldCase(source.name) !== foldCase(source.table))
    .map((source) => ({ label: source.name, apply: quoteName(source.name), type: "variable", detail: `alias of ${source.table || "a query"}`, boost: 1 }));
  return [
    ...own,
    ...aliases,
    ...others,
    ...tableOffers(scope, world, 0),
    ...FUNCTIONS.map((one) => functionOffer(one, -1)),
    ...KEYWORDS.map((label) => ({ label, type: "keyword", boost: -2 })),
    ...datasetOffers(world.datasets, (id) => `'${id}'`, -3),
  ];
}
