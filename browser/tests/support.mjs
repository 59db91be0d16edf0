/** What tests have in common: where things are, `plinth` and its peer as processes, a web server for the page, a Chromium. */

import { spawn, spawnSync } from "node:child_process";
import { createReadStream, existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer, request } from "node:http";
import { tmpdir } from "node:os";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

export const root = fileURLToPath(new URL("../../", import.meta.url));
const target = join(root, "target");
const PLINTH = join(target, "release/plinth");
/** Transpiled demo models: `<name>/model.js`. */
export const models = join(target, "browser");
export const packed = (name) => join(target, "models", `${name}.wasm`);
export const policyFile = fileURLToPath(new URL("fixtures/policy.json", import.meta.url));
export const policy = readFileSync(policyFile, "utf8");

/** The first 500 rows that neither model was trained on. */
export function heldOut(n = 500) {
  const { key, X, label } = JSON.parse(readFileSync(join(root, "models/digits/reference/heldout.json"), "utf8"));
  return { rows: key.slice(0, n).map((it, idx) => ({ key: it, X: X[idx] })), labels: label.slice(0, n) };
}

/** Starts a program and waits for the address that it prints. */
async function serve(program, words) {
  const environment = { PLINTH_CACHE_DIR: join(target, "compiled"), ...process.env };
  const child = spawn(program, words, { env: environment, stdio: ["ignore", "pipe", "pipe"] });
  const url = await new Promise((resolve, reject) => {
    let said = "";
    const read = (chunk) => {
      said += chunk;
      const found = /http:\/\/127\.0\.0\.1:\d+/.exec(said);
      if (found) resolve(found[0]);
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    child.on("error", reject);
    child.on("exit", (code) => reject(new Error(`${program} ended with ${code}: ${said}`)));
  });
  const stop = () => new Promise((resolve) => (child.exitCode === null ? (child.once("exit", resolve), child.kill("SIGKILL")) : resolve()));
  return { url, stop };
}

/** `plinth serve` with packed demo models, and further arguments. */
export const servePlinth = (names, port = 0, more = []) => serve(PLINTH, ["serve", "--listen", `127.0.0.1:${port}`, ...names.map(packed), ...more]);

/** `wasmtime serve` with one model plugged into `predict`. */
export async function serveWasmtime(name) {
  const folder = mkdtempSync(join(tmpdir(), "plinth-edge-"));
  const composed = join(folder, "composed.wasm");
  const { status, stderr } = spawnSync(PLINTH, ["compose", "predict", packed(name), "-o", composed], { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  const pool = ["-Scli", "-Opooling-table-elements=100000", "-Opooling-max-core-instance-size=10485760"];
  const server = await serve(join(target, "release/wasmtime-serve"), [...pool, "--addr=127.0.0.1:0", composed]);
  return { url: server.url, stop: () => server.stop().then(() => rmSync(folder, { recursive: true })) };
}

const TYPES = { ".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm", ".json": "application/json", ".css": "text/css", ".svg": "image/svg+xml" };

/** Serves `folders` by the first part of the path, that of "" by all others; `/v1` and `/v2` go to `cloud()`, an address or undefined. */
export async function servePages(folders, cloud = () => undefined, headers = {}) {
  const server = createServer((asked, answer) => {
    const path = new URL(asked.url, "http://page").pathname;
    if (/^\/v[12]\//.test(path)) return forward(asked, answer, cloud());
    const [, first, ...rest] = normalize(path).split("/");
    const named = folders[first] && first !== "" ? join(folders[first], ...rest) : undefined;
    const file = named ?? (folders[""] && join(folders[""], path === "/" ? "index.html" : normalize(path)));
    if (path === "/" && !(file && existsSync(file))) return answer.writeHead(200, { "content-type": "text/html" }).end("<!doctype html><title>edge</title>");
    if (!file || !existsSync(file) || !statSync(file).isFile()) return answer.writeHead(404).end();
    answer.writeHead(200, { "content-type": TYPES[extname(file)] ?? "application/octet-stream", ...headers });
    createReadStream(file).pipe(answer);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const stop = () => new Promise((resolve) => (server.close(resolve), server.closeAllConnections()));
  return { url: `http://127.0.0.1:${server.address().port}`, stop };
}

/** To the cloud; the connection breaks if there is none. */
function forward(asked, answer, url) {
  if (url === undefined) return asked.socket.destroy();
  const { hostname, port } = new URL(url);
  const onward = request({ hostname, port, path: asked.url, method: asked.method, headers: asked.headers }, (response) => {
    answer.writeHead(response.statusCode, response.headers);
    response.pipe(answer);
  });
  onward.on("error", () => asked.socket.destroy());
  asked.pipe(onward);
}

const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

/** A headless Chromium: that of the machine, or what `PLINTH_CHROMIUM` names. */
export const launchChromium = () => chromium.launch({ executablePath: process.env.PLINTH_CHROMIUM ?? "/usr/bin/chromium", headless: true, args: FLAGS });
