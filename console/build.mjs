/**
 * Builds the console page into `target/console/`: these files, the package `browser/` and the edge model as ES modules, and for each file what
 * it is in brotli and gzip. Network: none.
 */

import { cp, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import { transpileTo } from "../browser/bin/plinth-edge.mjs";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const output = here("../target/console");
const PAGE = ["policy.json", "index.html", "style.css", "icon.svg", "console.js", "curve.js", "drawing.js", "view.js"];
const COMPRESSED = [".css", ".html", ".js", ".json", ".svg", ".wasm"];
/** From so many bytes on the best brotli takes minutes. */
const LARGE = 1 << 20;

await rm(output, { recursive: true, force: true });
await mkdir(output, { recursive: true });
for (const file of PAGE) await cp(here(file), join(output, file));
await cp(here("../browser/dist"), join(output, "edge"), { recursive: true, filter: (path) => !path.endsWith(".d.ts") });
await transpileTo(await readFile(here("../target/models/digits-edge.edge.wasm")), join(output, "model"), "model");
for (const file of await readdir(output, { recursive: true })) await compress(join(output, file));

/** Writes `file.br` and `file.gz`, if they are smaller. */
async function compress(file) {
  if (!COMPRESSED.includes(extname(file))) return;
  const bytes = await readFile(file);
  const quality = { [constants.BROTLI_PARAM_QUALITY]: bytes.length < LARGE ? 11 : 9, [constants.BROTLI_PARAM_LGWIN]: 24 };
  const variants = [
    [".br", await promisify(brotliCompress)(bytes, { params: quality })],
    [".gz", await promisify(gzip)(bytes, { level: 9 })],
  ];
  for (const [ending, compressed] of variants) if (compressed.length < bytes.length) await writeFile(file + ending, compressed);
}
