/** The console page as it is built: a drawing is answered in the page, the cloud behind it, the threshold dragged, the network gone. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { launchChromium, root, servePages, servePlinth } from "./support.mjs";

/** Strokes as lists of points from 0 to 1. */
const SEVEN = [[[0.28, 0.22], [0.5, 0.2], [0.72, 0.22], [0.62, 0.42], [0.5, 0.62], [0.42, 0.85]]];
/** Between an 8 and a 9. */
const ODD = [[[0.35, 0.3], [0.6, 0.25], [0.65, 0.45], [0.4, 0.5], [0.35, 0.3]], [[0.5, 0.5], [0.3, 0.7], [0.5, 0.8], [0.7, 0.78]]];

let cloud;
let pages;
let browser;
let posted = [];

before(async () => {
  cloud = await servePlinth(["digits", "digits-edge"]);
  pages = await servePages({ "": join(root, "target/console") }, () => cloud.url);
  browser = await launchChromium();
});

after(async () => {
  await browser?.close();
  await pages?.stop();
  await cloud?.stop();
});

async function open(options = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  const page = await context.newPage();
  const errors = [];
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("request", (request) => assert.ok(request.url().startsWith(pages.url) || request.url().startsWith("data:"), request.url()));
  posted = [];
  await page.route("**/evaluate/**", (route) => {
    posted.push({ url: route.request().url(), body: route.request().postDataJSON() });
    return route.fulfill({ status: 202, body: "" });
  });
  await page.goto(pages.url);
  await page.waitForSelector("[data-ready]");
  return { page, errors, close: () => context.close() };
}

async function draw(page, strokes) {
  const { x, y, width, height } = await page.locator("#canvas").boundingBox();
  for (const stroke of strokes) {
    const [first, ...rest] = stroke.map(([right, down]) => [x + right * width, y + down * height]);
    await page.mouse.move(...first);
    await page.mouse.down();
    for (const point of rest) await page.mouse.move(...point, { steps: 4 });
    await page.mouse.up();
  }
}

const text = (page, selector) => page.locator(selector).innerText();
const phaseIs = (page, phase) => page.waitForSelector(`#log li:first-child [data-phase="${phase}"]`);

test("a clear digit stands at the edge, and its label is posted under its key", async () => {
  const { page, errors, close } = await open();
  await draw(page, SEVEN);
  await phaseIs(page, "edge");
  assert.equal(await text(page, "#edge output"), "7");
  assert.equal(await text(page, "#phase"), "Stands at the edge");
  const key = await page.locator("#log li").first().getAttribute("data-key");
  await page.keyboard.press("1");
  await page.waitForFunction((key) => document.getElementById("corrected").textContent === `The answer was 7: kept under ${key}.`, key);
  assert.deepEqual(posted, [{ url: `${pages.url}/evaluate/ground-truth?model=digits-edge`, body: { key, client: "console", label: 1 } }]);
  assert.deepEqual(errors, []);
  await close();
});

test("an unclear one is asked in the cloud, and waits there while offline", async () => {
  const { page, errors, close } = await open();
  await draw(page, ODD);
  await phaseIs(page, "cloud");
  assert.match(await text(page, "#cloud output"), /^\d$/);
  await page.keyboard.press("o");
  await page.keyboard.press("c");
  assert.equal(await text(page, "#phase"), "Nothing drawn");
  await draw(page, ODD);
  await phaseIs(page, "edge-provisional");
  await page.waitForFunction(() => document.getElementById("pending").textContent === "1 waits");
  assert.equal(await text(page, "#state"), "Offline");
  await page.keyboard.press("o");
  await phaseIs(page, "cloud");
  await page.waitForFunction(() => document.getElementById("pending").textContent === "0 wait");
  assert.deepEqual(errors, []);
  await close();
});

test("a drawing that is cleared before its answer comes keeps the answer in the list, and no label is taken for it", async () => {
  const { page, errors, close } = await open();
  await page.route("**/v1/models/digits:predict", async (route) => {
    await page.keyboard.press("c");
    return route.continue();
  });
  await draw(page, ODD);
  await phaseIs(page, "cloud");
  assert.equal(await text(page, "#phase"), "Nothing drawn");
  await page.keyboard.press("1");
  assert.deepEqual([errors, posted], [[], []]);
  await close();
});

test("a threshold above the drawing's confidence is said to send it on", async () => {
  const { page, errors, close } = await open();
  await draw(page, SEVEN);
  await phaseIs(page, "edge");
  await page.locator("#threshold").fill("0");
  await page.waitForFunction(() => document.getElementById("phase").dataset.phase === "escalate");
  await page.locator("#reset").click();
  await page.waitForFunction(() => document.getElementById("phase").dataset.phase === "edge");
  assert.deepEqual(errors, []);
  await close();
});

test("the threshold moves by keys and by dragging, and only the tested one has a promise", async () => {
  const { page, errors, close } = await open();
  const promise = await text(page, "#statement");
  assert.match(promise, /at most 2 %/);
  const tested = await text(page, "[data-of=threshold]");
  await page.keyboard.press("ArrowRight");
  assert.ok(Number(await text(page, "[data-of=threshold]")) < Number(tested));
  assert.match(await text(page, "#statement"), /promise does not hold/);
  const { x, y, width, height } = await page.locator("#curve").boundingBox();
  await page.mouse.click(x + width / 2, y + height / 2);
  assert.ok(Number(await text(page, "[data-of=threshold]")) > 0.9);
  await page.locator("#reset").click();
  assert.deepEqual([await text(page, "[data-of=threshold]"), await text(page, "#statement")], [tested, promise]);
  assert.deepEqual(errors, []);
  await close();
});

test("on a phone it is drawn by touch, and nothing is wider than the screen", async () => {
  const { page, errors, close } = await open({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  const { x, y, width, height } = await page.locator("#canvas").boundingBox();
  const session = await page.context().newCDPSession(page);
  const touch = (type, points) => session.send("Input.dispatchTouchEvent", { type, touchPoints: points.map(([right, down]) => ({ x: x + right * width, y: y + down * height })) });
  const [first, ...rest] = SEVEN[0];
  await touch("touchStart", [first]);
  for (const point of rest) await touch("touchMove", [point]);
  await touch("touchEnd", []);
  await phaseIs(page, "edge");
  assert.equal(await text(page, "#edge output"), "7");
  assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= 390);
  assert.deepEqual(errors, []);
  await close();
});
