/** An application built by Vite, and one served by its development server, answer in Chromium as Node does, bit for bit. */

import assert from "node:assert/strict";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { TwoPhase } from "@plinth/edge";
import { build, createServer } from "vite";
import { heldOut, launchChromium, models, policy, root, servePages } from "./support.mjs";

const app = join(root, "target/browser/vite-app");
const { rows } = heldOut(100);
/** As `vite.config.js` of an application would say it; `README.md` tells the same. */
const config = { root: app, configFile: false, logLevel: "error", optimizeDeps: { exclude: ["@plinth/edge"] } };
/** What `README.md` asks of a content security policy, and nothing more. */
const STRICT = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'";
let browser;
let expected;

before(async () => {
  installApp();
  const edge = await TwoPhase.load({ model: pathToFileURL(join(models, "digits-edge/model.js")), policy, cloud: "http://127.0.0.1:9/" });
  expected = bits(await edge.decide(rows));
  await edge.close();
  browser = await launchChromium();
});

after(() => browser?.close());

/** The application in a folder of its own, with the package installed as `npm install` would: the files that it publishes. */
function installApp() {
  const here = (path) => fileURLToPath(new URL(path, import.meta.url));
  rmSync(app, { recursive: true, force: true });
  cpSync(here("vite"), app, { recursive: true });
  cpSync(join(models, "digits-edge"), join(app, "public/model"), { recursive: true });
  writeFileSync(join(app, "public/policy.json"), policy);
  const installed = join(app, "node_modules/@plinth/edge");
  mkdirSync(installed, { recursive: true });
  const { files } = JSON.parse(readFileSync(here("../package.json"), "utf8"));
  for (const file of ["package.json", ...files]) cpSync(here(`../${file}`), join(installed, file), { recursive: true });
}

/** The bits of all numbers of the answers, and what was decided. */
function bits({ rows }) {
  const hex = (numbers) => Buffer.from(Float64Array.from(numbers).buffer).toString("hex");
  return rows.map(({ opinion, isAccepted, reason }) => [opinion.prediction, isAccepted, reason, hex([opinion.confidence, ...opinion.probabilities])]);
}

/** Opens the application and asks it. Whatever fails in the page fails the test. */
async function answersAt(url) {
  const page = await browser.newPage();
  const failed = new Promise((_, reject) => page.on("pageerror", reject));
  await page.goto(url);
  await Promise.race([page.waitForFunction(() => document.documentElement.dataset.ready), failed]);
  const answers = await page.evaluate((rows) => window.edge.decide(rows), rows);
  const nWorkers = page.workers().length;
  await page.close();
  assert.equal(nWorkers, 1);
  return bits(answers);
}

test("built", async () => {
  await build({ ...config, build: { outDir: "dist" } });
  const pages = await servePages({ "": join(app, "dist") }, undefined, { "content-security-policy": STRICT });
  try {
    assert.deepEqual(await answersAt(pages.url), expected);
  } finally {
    await pages.stop();
  }
});

test("served while it is developed", async () => {
  const server = await createServer({ ...config, server: { host: "127.0.0.1", port: 0, hmr: false } });
  await server.listen();
  try {
    assert.deepEqual(await answersAt(server.resolvedUrls.local[0]), expected);
  } finally {
    await server.close();
  }
});
