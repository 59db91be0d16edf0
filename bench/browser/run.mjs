/**
 * Plinth's edge package beside onnxruntime-web's CPU build: the same model, the same page, one Chromium. Prints tables for BENCHMARKS.md.
 *
 * `npm ci && node run.mjs`, after `cargo xtask build`: that leaves the package in `browser/dist` and the model in `target/browser`.
 */

import { readFile, readdir } from "node:fs/promises";
import { cpus } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { brotliCompress, constants } from "node:zlib";
import { heldOut, launchChromium, models, root, servePages } from "../../browser/tests/support.mjs";

const REPETITIONS = +(process.env.REPETITIONS ?? 500);
const PAGES = +(process.env.PAGES ?? 5);
const ENGINES = ["plinth, worker", "plinth, page", "plinth, model alone", "onnxruntime-web, worker", "onnxruntime-web, page"];
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const ort = here("node_modules/onnxruntime-web/dist");
const onnx = join(root, "models/digits-edge");

/** What a page fetches of either. */
const DOWNLOADS = {
  plinth: { "package and decision": await filesOf(join(root, "browser/dist")), "runtime and model": await filesOf(join(models, "digits-edge")) },
  "onnxruntime-web": { runtime: ["ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"].map((file) => join(ort, file)), model: [join(onnx, "model.onnx")] },
};

async function filesOf(folder) {
  const files = await readdir(folder, { recursive: true });
  return files.filter((file) => /\.(js|wasm)$/.test(file)).map((file) => join(folder, file));
}

async function size(files) {
  const sizes = files.map(async (file) => {
    const bytes = await readFile(file);
    const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24 };
    return [bytes.length, (await promisify(brotliCompress)(bytes, { params })).length];
  });
  return (await Promise.all(sizes)).reduce(([raw, small], [r, s]) => [raw + r, small + s], [0, 0]);
}

function table(heads, rows) {
  const line = (cells) => `| ${cells.join(" | ")} |`;
  return [line(heads), line(heads.map((_, idx) => (idx === 0 ? "---" : "---:"))), ...rows.map(line), ""].join("\n");
}

const kB = (bytes) => `${Math.round(bytes / 1000).toLocaleString("en")} kB`;
const digits = (time) => (time < 1 ? time.toFixed(3) : time.toFixed(time < 10 ? 2 : 0));

/** The median, and between which times eight of ten lie. */
function spread(times) {
  if (times.length === 0) return "";
  const sorted = times.sort((a, b) => a - b);
  const at = (share) => digits(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]);
  return `${at(0.5)} ms (${at(0.1)}–${at(0.9)})`;
}

async function measure(browser, url, engine, rows) {
  const found = [];
  for (let idx = 0; idx < PAGES; idx++) {
    // A context of its own has no cache: neither of files nor of compiled code.
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(url);
    found.push(await page.evaluate(async ([engine, rows, n]) => (await import("/bench/page.js")).measure(engine, rows, n), [engine, rows, REPETITIONS]));
    await context.close();
  }
  return ["load", "first", "warm", "batch", "tensors"].map((name) => spread(found.flatMap((it) => it[name])));
}

const rows = heldOut(256).rows.map(({ X }) => X);
const pages = await servePages({ edge: join(root, "browser/dist"), models, ort, onnx, bench: here("."), "": join(root, "browser/tests/fixtures") });
const browser = await launchChromium();
try {
  const version = JSON.parse(await readFile(join(ort, "../package.json"), "utf8")).version;
  console.log(`onnxruntime-web ${version}, Chromium ${browser.version()}, ${cpus().length} × ${cpus()[0].model}\n`);
  const sizes = [];
  for (const [name, parts] of Object.entries(DOWNLOADS)) {
    const measured = await Promise.all(Object.entries(parts).map(async ([part, files]) => [part, ...(await size(files))]));
    for (const [part, raw, small] of measured) sizes.push([`${name}: ${part}`, kB(raw), kB(small)]);
    const total = (idx) => measured.reduce((sum, it) => sum + it[idx], 0);
    sizes.push([`**${name}**`, kB(total(1)), kB(total(2))]);
  }
  console.log(table(["what is fetched", "raw", "brotli 11"], sizes));
  const times = [];
  for (const engine of ENGINES) times.push([engine, ...(await measure(browser, pages.url, engine, rows))]);
  console.log(table(["engine", "load", "first row after it", "warm row", "256 rows", "256 rows, tensors alone"], times));
} finally {
  await browser.close();
  await pages.stop();
}
