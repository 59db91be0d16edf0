/** The queue in a real Chromium: the network goes, the cloud is killed, the page is closed; no row is lost and each has one final answer. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { heldOut, launchChromium, models, policy, root, servePages, servePlinth } from "./support.mjs";

const { rows } = heldOut(500);
let cloud;
let pages;
let browser;

before(async () => {
  cloud = await servePlinth(["digits"]);
  pages = await servePages({ edge: join(root, "browser/dist"), models }, () => cloud?.url);
  browser = await launchChromium();
});

after(async () => {
  await browser?.close();
  await pages?.stop();
  await cloud?.stop();
});

/** Opens the page and loads the edge, which collects what it hears in `window.finals`. */
async function open(context, options = {}) {
  const page = await context.newPage();
  await page.goto(pages.url);
  await page.evaluate(
    async ({ policy, options }) => {
      const { TwoPhase } = await import("/edge/index.js");
      const queue = { baseDelayMs: 20, maxDelayMs: 100 };
      window.edge = await TwoPhase.load({ model: "/models/digits-edge/model.js", policy, cloud: "/v1/models/digits:predict", queue, ...options });
      window.finals = [];
      window.edge.onFinal((answer) => window.finals.push(answer));
    },
    { policy, options },
  );
  return page;
}

const predict = (page, part) => page.evaluate((part) => window.edge.predict(part), part);
const finals = (page) => page.evaluate(() => window.finals);

/** What the page has heard once it has heard of all that was provisional, and nothing is left to do. */
async function finalsAfter(page, given) {
  const n = given.filter(({ phase }) => phase === "edge-provisional").length;
  await page.waitForFunction((n) => window.finals.length >= n, n);
  await page.evaluate(() => window.edge.drain());
  assert.equal(await page.evaluate(() => window.edge.pending()), 0);
  return finals(page);
}

/** Each row has exactly one answer that is final. */
function assertOneFinalAnswerEach(given, later) {
  const final = [...given.filter(({ phase }) => phase !== "edge-provisional"), ...later];
  assert.deepEqual(final.map(({ key }) => key).sort(), rows.map(({ key }) => key).sort());
  assert.ok(final.every(({ phase }) => phase === "edge" || phase === "cloud"));
}

test("offline and back again", async () => {
  const context = await browser.newContext();
  const page = await open(context);
  const before = await predict(page, rows.slice(0, 200));
  assert.ok(before.some(({ phase }) => phase === "cloud"));
  await context.setOffline(true);
  const offline = await predict(page, rows.slice(200));
  assert.ok(offline.some(({ phase }) => phase === "edge"));
  assert.ok(offline.some(({ phase }) => phase === "edge-provisional"));
  assert.ok(offline.every(({ phase }) => phase !== "cloud"));
  assert.deepEqual(await finals(page), []);
  await context.setOffline(false);
  const given = [...before, ...offline];
  assertOneFinalAnswerEach(given, await finalsAfter(page, given));
  await context.close();
});

test("the cloud is killed in the middle of a run", async () => {
  const context = await browser.newContext();
  const page = await open(context);
  const given = [];
  const { port } = new URL(cloud.url);
  for (let from = 0; from < rows.length; from += 50) {
    const answering = predict(page, rows.slice(from, from + 50));
    if (from === 200) await cloud.stop();
    given.push(...(await answering));
  }
  assert.ok(given.filter(({ phase }) => phase === "edge-provisional").length > 10);
  cloud = await servePlinth(["digits"], port);
  assertOneFinalAnswerEach(given, await finalsAfter(page, given));
  await context.close();
});

test("the page is closed while rows wait, and the next one hears of them", async () => {
  const context = await browser.newContext();
  const first = await open(context);
  await context.setOffline(true);
  const given = await predict(first, rows);
  await first.close();
  await context.setOffline(false);
  const second = await open(context);
  assertOneFinalAnswerEach(given, await finalsAfter(second, given));
  const { settled, waiting } = await second.evaluate(async () => {
    const database = await new Promise((resolve) => (indexedDB.open("plinth-edge digits-edge").onsuccess = ({ target }) => resolve(target.result)));
    const count = (name) => new Promise((resolve) => (database.transaction(name).objectStore(name).count().onsuccess = ({ target }) => resolve(target.result)));
    return { settled: await count("settled"), waiting: await count("waiting") };
  });
  assert.deepEqual([settled, waiting], [0, 0]);
  await context.close();
});

test("two pages share a queue, and each hears of each row once", async () => {
  const context = await browser.newContext();
  const [first, second] = [await open(context), await open(context)];
  await context.setOffline(true);
  const given = await predict(first, rows);
  await context.setOffline(false);
  assertOneFinalAnswerEach(given, await finalsAfter(first, given));
  assertOneFinalAnswerEach(given, await finalsAfter(second, given));
  await context.close();
});

test("without a worker it answers alike", async () => {
  const context = await browser.newContext();
  const [first, second] = [await open(context), await open(context, { worker: false })];
  const numbers = (answers) => answers.map(({ prediction, confidence, phase, edge }) => ({ prediction, confidence, phase, edge }));
  assert.deepEqual(numbers(await predict(first, rows)), numbers(await predict(second, rows)));
  await context.close();
});
