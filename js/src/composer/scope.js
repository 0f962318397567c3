// The tables in scope at a position in SQL, with aliases, subqueries and WITH, each with its columns.
import { foldCase, tokenName, nestedTokens, tokenize } from "./tokens.js";

const SET = new Set(["union", "intersect", "except"]);
const CLAUSE = new Set(["where", "group", "order", "having", "limit", "offset", "qualify", "window", "select", "using", "returning", "sample"]);
const JOINING = new Set(["join", "inner", "left", "right", "full", "outer", "cross", "natural", "lateral", "semi", "anti", "asof", "positional", "on"]);
const NO_ALIAS = new Set([...SET, ...CLAUSE, ...JOINING, "as", "tablesample", "pivot", "unpivot", "from", "with"]);

const isWord = (item, ...words) => item?.kind === "word" && words.includes(foldCase(item.text));
const isName = (item) => item?.kind === "quoted" || (item?.kind === "word" && !NO_ALIAS.has(foldCase(item.text)));
const isSign = (item, text) => item?.kind === "sign" && item.text === text;
const isQuery = (group) => isWord(group.items[0], "select", "from", "with", "values") || (group.items[0]?.group === "(" && isQuery(group.items[0]));

// Splits the items of a group into its queries, at UNION and the like and at semicolons.
function queries(group) {
  const found = [[]];
  for (const item of group.items) {
    if (isSign(item, ";") || (item.kind === "word" && SET.has(foldCase(item.text)))) found.push([]);
    else if (!(isWord(item, "all", "by", "name") && found.at(-1).length === 0)) found.at(-1).push(item);
  }
  const list = found.map((items, index) => ({ items, to: items.at(-1)?.to ?? group.from, index }));
  return list.map((query, index) => ({ ...query, from: index ? list[index - 1].to : group.from, until: found[index + 1]?.[0]?.from ?? group.to }));
}

// Reads WITH name AS (query), …: the columns by name, and the groups that are their bodies.
function withs(items, world) {
  const tables = new Map();
  const bodies = new Set();
  if (!isWord(items[0], "with")) return { tables, bodies, rest: items };
  let at = isWord(items[1], "recursive") ? 2 : 1;
  while (isName(items[at])) {
    const name = tokenName(items[at++]);
    const named = items[at]?.group === "(" && !isQuery(items[at]) ? listNames(items[at++]) : null;
    while (isWord(items[at], "as", "not", "materialized", "using", "key")) at++;
    const body = items[at];
    if (body?.group !== "(") break;
    bodies.add(body);
    const inner = { ...world, ctes: new Map([...world.ctes, ...tables]) };
    tables.set(foldCase(name), { name, columns: renamed(groupColumns(body, inner), named) });
    at++;
    if (!isSign(items[at], ",")) break;
    at++;
  }
  return { tables, bodies, rest: items.slice(at) };
}

const listNames = (group) => group.items.filter((item) => item.kind === "word" || item.kind === "quoted").map(tokenName);
const renamed = (columns, names) =>
  names ? names.map((name, index) => ({ ...(columns[index] ?? { type: "" }), name })) : columns;

// Lists the sources of FROM: {name, columns, table}; name is the alias where there is one.
function sources(items, world) {
  const found = [];
  let from = false;
  let expects = false;
  for (let at = 0; at < items.length; at++) {
    const item = items[at];
    const word = item.kind === "word" ? foldCase(item.text) : "";
    if (word === "from") [from, expects] = [true, true];
    else if (from && word === "on") expects = false;
    else if (from && JOINING.has(word)) expects = true;
    else if (from && isSign(item, ",")) expects = true;
    else if (CLAUSE.has(word)) {
      if (word !== "using") from = false;
      expects = false;
    } else if (from && expects && (isName(item) || item.kind === "job" || item.group === "(")) {
      const { source, next } = readSource(items, at, world);
      found.push(...source);
      at = next - 1;
      expects = false;
    }
  }
  return found;
}

function readSource(items, start, world) {
  let at = start;
  const item = items[at++];
  let columns = [];
  let name = "";
  let inner = [];
  if (item.group === "(") {
    if (isQuery(item)) columns = groupColumns(item, world);
    else inner = sources([{ kind: "word", text: "from" }, ...item.items], world);
  } else if (item.kind === "job") {
    name = item.text;
    columns = world.jobs.get(name.replace(/[{}\s]/g, "")) ?? [];
  } else {
    name = tokenName(item);
    while (isSign(items[at], ".") && isName(items[at + 1])) {
      name = tokenName(items[at + 1]);
      at += 2;
    }
    if (items[at]?.group === "(") at++;
    else columns = world.ctes.get(foldCase(name))?.columns ?? world.tables.get(foldCase(name))?.columns ?? [];
  }
  const table = name;
  if (isWord(items[at], "as")) at++;
  if (isName(items[at])) {
    name = tokenName(items[at++]);
    if (items[at]?.group === "(") columns = renamed(columns, listNames(items[at++]));
  }
  const source = inner.length ? inner : name ? [{ name, table, columns }] : [{ name: "", table: "", columns }];
  return { source, next: at };
}

// The columns of a group in brackets: those of its first query.
function groupColumns(group, world) {
  if (group.items.length === 1 && group.items[0].group === "(") return groupColumns(group.items[0], world);
  const [first] = queries(group);
  const { tables, rest } = withs(first.items, world);
  const inner = { ...world, ctes: new Map([...world.ctes, ...tables]) };
  return queryColumns(rest, inner);
}

function queryColumns(items, world) {
  const there = sources(items, world);
  const all = there.flatMap((source) => source.columns);
  const start = items.findIndex((item) => isWord(item, "select"));
  if (start < 0) return isWord(items[0], "from") ? all : [];
  const chosen = [[]];
  for (const item of items.slice(start + 1)) {
    if (isWord(item, "from") || (item.kind === "word" && CLAUSE.has(foldCase(item.text)))) break;
    if (isSign(item, ",")) chosen.push([]);
    else chosen.at(-1).push(item);
  }
  return chosen.flatMap((parts) => chosenColumns(parts, there, all));
}

function chosenColumns(given, there, all) {
  const parts = isWord(given[0], "distinct", "all") ? given.slice(1) : given;
  const star = parts.findIndex((item) => isSign(item, "*"));
  if (star === 0 || (star === 2 && isSign(parts[1], "."))) {
    const of = star === 2 ? (there.find((source) => foldCase(source.name) === foldCase(tokenName(parts[0])))?.columns ?? []) : all;
    const left = isWord(parts[star + 1], "exclude") ? (parts[star + 2]?.group ? listNames(parts[star + 2]) : parts.slice(star + 2, star + 3).map(tokenName)) : [];
    return of.filter((column) => !left.map(foldCase).includes(foldCase(column.name)));
  }
  const last = parts.at(-1);
  if (!last || !(last.kind === "word" || last.kind === "quoted")) return [];
  const name = tokenName(last);
  if (isWord(parts[parts.length - 2], "as") || parts.length === 1 || isSign(parts[parts.length - 2], ".") || isName(last)) {
    const source = parts.length === 3 && isSign(parts[1], ".") ? there.find((one) => foldCase(one.name) === foldCase(tokenName(parts[0]))) : null;
    const known = parts.length === 1 ? all : (source?.columns ?? []);
    return [known.find((column) => foldCase(column.name) === foldCase(name)) ?? { name, type: "" }];
  }
  return [];
}

// Returns what is in scope at a position: the sources of its query, those of the enclosing queries (``outer``), and the
// tables of WITH.
export function scopeAt(sql, offset, tables, jobs = []) {
  const list = tokenize(sql);
  const world = { tables, jobs: new Map(jobs.map((job) => [job.name, job.columns])), ctes: new Map() };
  const found = { tokens: list, sources: [], ctes: [] };
  let group = nestedTokens(list, sql.length);
  let outer = [];
  while (group) {
    const query = queries(group).findLast((one) => offset >= one.from) ?? null;
    if (!query) break;
    const leading = queries(group)[0];
    const { tables: named, bodies, rest } = withs(leading.items, world);
    const inside = innerGroup(query.items, offset);
    world.ctes = new Map([...world.ctes, ...named]);
    const here = sources(query === leading || query.index === 0 ? rest : query.items, world);
    if (inside && bodies.has(inside)) outer = [];
    else outer = [...here, ...outer];
    group = inside;
  }
  found.sources = outer;
  found.ctes = [...world.ctes.values()];
  return found;
}

const innerGroup = (items, offset) =>
  items.find((item) => item.group !== undefined && offset > item.from && (offset < item.to || !item.closed)) ?? null;
