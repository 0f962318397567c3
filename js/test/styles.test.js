// The stylesheets share a page, so no two of them may style the same class name: node --test test/
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

const SHARED = "card.css"; // the basis of all cards, which other stylesheets refine
const SHEETS = [SHARED, "composer.css", "explore.css", "table.css"];

// The classes at the start of a selector, and all classes.
function classes(sheet) {
  const text = readFileSync(new URL(`../src/${sheet}`, import.meta.url), "utf8").replace(/\/\*[^]*?\*\//g, "");
  const selectors = [...text.matchAll(/([^{}]+)\{/g)].flatMap(([, list]) => list.split(/,(?![^(]*\))/)).map((one) => one.trim());
  const names = (one) => [...one.matchAll(/\.(syndb-[\w-]+)/g)].map(([, name]) => name);
  return { first: new Set(selectors.map((one) => names(one)[0]).filter(Boolean)), all: new Set(selectors.flatMap(names)) };
}

test("no sheet changes what another one shows", () => {
  const found = new Map(SHEETS.map((sheet) => [sheet, classes(sheet)]));
  assert.ok([...found.values()].every(({ all }) => all.size > 10));
  for (const [sheet, { first }] of found)
    for (const [other, { all }] of found)
      if (sheet !== other && sheet !== SHARED) assert.deepEqual([sheet, other, ...[...first].filter((name) => all.has(name))], [sheet, other]);
});
