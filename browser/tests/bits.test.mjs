/** The same packed model gives the same bits in Node, Chromium, `plinth serve` and `wasmtime serve`. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { Model, TwoPhase } from "@plinth/edge";
import { bitsOver, pixels } from "./bits.mjs";
import { heldOut, launchChromium, models, packed, policy, policyFile, root, servePages, servePlinth, serveWasmtime } from "./support.mjs";

const { rows } = heldOut(500);
const edgeModel = pathToFileURL(join(models, "digits-edge/model.js")).href;
let plinth;
let embedded;

before(async () => {
  plinth = await servePlinth(["digits-edge"]);
  embedded = await bitsOver(plinth.url, "digits-edge", rows);
});

after(() => plinth.stop());

test("the embedded host answers 500 rows of which no two need be equal", () => {
  assert.equal(embedded.length, 2 * 500 * (8 + 10 * 4));
  const firstLabel = embedded.slice(0, 16);
  assert.ok(!embedded.startsWith(firstLabel.repeat(500)));
});

test("Node", async () => {
  const model = await Model.load(edgeModel);
  const input = { name: "X", datatype: "fp32", shape: new BigUint64Array([500n, 64n]), data: pixels(rows) };
  const outputs = await model.infer([input], ["label", "probabilities"]);
  assert.equal(Buffer.concat(outputs.map(({ data }) => data)).toString("hex"), embedded);
});

test("Node, row by row", async () => {
  const model = await Model.load(edgeModel);
  const columns = [[], []];
  for (const row of rows) {
    const input = { name: "X", datatype: "fp32", shape: new BigUint64Array([1n, 64n]), data: pixels([row]) };
    (await model.infer([input], ["label", "probabilities"])).forEach(({ data }, idx) => columns[idx].push(Buffer.from(data)));
  }
  assert.equal(Buffer.concat(columns.flat()).toString("hex"), embedded);
});

test("Chromium, in a worker", async () => {
  const pages = await servePages({ edge: join(root, "browser/dist"), models });
  const browser = await launchChromium();
  try {
    const page = await browser.newPage();
    await page.goto(pages.url);
    const found = await page.evaluate(
      async ({ data, policy }) => {
        const { TwoPhase } = await import("/edge/index.js");
        const edge = await TwoPhase.load({ model: "/models/digits-edge/model.js", policy, cloud: "/v1/models/digits:predict" });
        const input = { name: "X", datatype: "fp32", shape: new BigUint64Array([500n, 64n]), data: new Uint8Array(data) };
        const outputs = await edge.infer([input], ["label", "probabilities"]);
        return outputs.map(({ data }) => Array.from(data, (byte) => byte.toString(16).padStart(2, "0")).join("")).join("");
      },
      { data: [...pixels(rows)], policy },
    );
    assert.equal(found, embedded);
  } finally {
    await browser.close();
    await pages.stop();
  }
});

test("the server decides as the page does", async () => {
  const server = await servePlinth(["digits"], 0, ["--edge", packed("digits-edge"), "--policy", policyFile]);
  try {
    const response = await fetch(`${server.url}/edge-check/digits-edge`, {
      method: "POST",
      headers: { "plinth-cloud": "unreachable" },
      body: JSON.stringify({ instances: rows, client: "shop" }),
    });
    const { answers } = await response.json();
    const edge = await TwoPhase.load({ model: edgeModel, policy, cloud: "http://127.0.0.1:9/", client: "shop" });
    const decided = (await edge.decide(rows)).rows.map(({ isAccepted, opinion, reason }) => [isAccepted, reason, opinion.prediction, opinion.confidence]);
    assert.deepEqual(decided, answers.map(({ phase, reason, edge: { prediction, confidence } }) => [phase === "edge", reason, prediction, confidence]));
    assert.deepEqual([...new Set(decided.map(([, reason]) => reason))].sort(), ["audit", "below-threshold", "confident"]);
    await edge.close();
  } finally {
    await server.stop();
  }
});

test("wasmtime serve", async () => {
  const peer = await serveWasmtime("digits-edge");
  try {
    assert.equal(await bitsOver(peer.url, "digits-edge", rows), embedded);
  } finally {
    await peer.stop();
  }
});
