// Bundles the widgets into the Python package: npm run build [folder].
import { build } from "esbuild";

await build({
  entryPoints: ["src/card.js", "src/composer.js", "src/editor.js", "src/explore.js", "src/monitor.js", "src/table.js"],
  bundle: true,
  format: "esm",
  target: "es2022",
  minify: true,
  charset: "utf8",
  legalComments: "none",
  loader: { ".css": "text" },
  outdir: process.argv[2] ?? "../syndb_lab/notebook/static",
});
await build({
  entryPoints: ["src/card.css", "src/composer.css", "src/explore.css", "src/table.css"],
  bundle: true,
  minify: true,
  target: "es2022",
  outdir: process.argv[2] ?? "../syndb_lab/notebook/static",
});
