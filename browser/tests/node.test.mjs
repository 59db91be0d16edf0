/** Two phases in Node: decisions, answers of the cloud, the queue's limits and what it replays. The cloud is a server of this process. */

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { once } from "node:events";
import { join } from "node:path";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";
import { TwoPhase } from "@plinth/edge";
import { rowsJson } from "../dist/cloud.js";
import { Queue, backoffMs } from "../dist/queue.js";
import { MemoryStore } from "../dist/store.js";
import { heldOut, models, policy } from "./support.mjs";

const model = pathToFileURL(join(models, "digits-edge/model.js"));
const closing = [];
after(() => Promise.all(closing.map((close) => close())));

/** A cloud that answers as `respond(request, body)` says: a body, a status, or nothing at all. */
async function cloudOf(respond) {
  const asked = [];
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request) text += chunk;
    const body = JSON.parse(text);
    asked.push({ body, headers: request.headers });
    const { status = 200, headers = {}, answer } = (await respond(body, asked.length)) ?? { status: 0 };
    if (status === 0) return request.socket.destroy();
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(typeof answer === "string" ? answer : JSON.stringify(answer ?? {}));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  closing.push(() => new Promise((resolve) => (server.close(resolve), server.closeAllConnections())));
  return { url: `http://127.0.0.1:${server.address().port}/v1/models/digits:predict`, asked };
}

/** Answers each row with its index, in reverse order: only keys can match. */
const inReverse = ({ instances }) => ({ answer: { predictions: instances.map(({ key }, idx) => ({ key, label: idx % 10 })).reverse() } });

async function load(cloud, options = {}) {
  const edge = await TwoPhase.load({ model, policy, cloud, ...options });
  closing.push(() => edge.close());
  return edge;
}

const fast = { baseDelayMs: 1, maxDelayMs: 2 };
const { rows, labels } = heldOut();

test("rows that are sure stand, the others are asked in one request under their keys", async () => {
  const cloud = await cloudOf(inReverse);
  const edge = await load(cloud.url, { client: "shop" });
  const answers = await edge.predict(rows);
  assert.deepEqual(answers.map(({ key }) => key), rows.map(({ key }) => key));
  const escalated = answers.filter(({ phase }) => phase === "cloud");
  assert.equal(cloud.asked.length, 1);
  assert.equal(cloud.asked[0].body.client, "shop");
  assert.deepEqual(cloud.asked[0].body.instances.map(({ key }) => key), escalated.map(({ key }) => key));
  escalated.forEach(({ prediction }, idx) => assert.equal(prediction, String(idx % 10)));
  const standing = answers.filter(({ phase }) => phase === "edge");
  assert.equal(standing.length + escalated.length, 500);
  const { threshold, coverage } = edge.policy.ladders[0].ladder[0];
  assert.ok(standing.every(({ confidence, reason }) => confidence >= threshold && reason === "confident"));
  assert.ok(escalated.every(({ confidence, reason }) => (reason === "audit") === confidence >= threshold));
  assert.ok(escalated.some(({ reason }) => reason === "audit") && escalated.some(({ reason }) => reason === "below-threshold"));
  assert.ok(Math.abs(standing.length / 500 - coverage) < 0.05);
  const nWrong = answers.filter(({ phase, prediction }, idx) => phase === "edge" && prediction !== String(labels[idx])).length;
  assert.ok(nWrong / standing.length < 0.02);
});

test("the label is the likeliest class where the cloud gives probabilities alone, and a row's problem is said", async () => {
  const likely = Array.from({ length: 10 }, (_, idx) => (idx === 4 ? 0.91 : 0.01));
  const error = { error: "row `1` is odd", code: "wrong_shape", row: 1 };
  const answer = ({ instances: [first, second] }) => ({ answer: { predictions: [{ key: first.key, probabilities: likely }, { key: second.key, error }] } });
  const edge = await load((await cloudOf(answer)).url, { rung: 99 });
  const [first, second] = await edge.predict(rows.slice(0, 2));
  assert.deepEqual([first.phase, first.prediction, first.reason], ["cloud", "4", "suspended"]);
  assert.deepEqual([second.phase, second.prediction], ["refused", second.edge.prediction]);
  assert.match(second.detail, /row `1` is odd/);
  assert.equal(await edge.pending(), 0);
});

test("a label is the name of a class, or else its number", async () => {
  const named = JSON.parse(policy);
  named.classes = named.classes.map((name) => `digit ${name}`);
  const edge = await load("http://127.0.0.1:9/", { policy: named });
  const { rows: decided } = await edge.decide(rows.slice(0, 50));
  assert.ok(decided.every(({ reason }) => reason !== "unknown-class"));
  const right = decided.filter(({ opinion }, idx) => opinion.prediction === `digit ${labels[idx]}`);
  assert.ok(right.length > 40);
});

test("answers of edge-check are understood", async () => {
  const answer = ({ instances: [a, b] }) => ({
    answer: {
      answers: [
        { key: a.key, prediction: "5", phase: "cloud", cloud: { prediction: "5" } },
        { key: b.key, prediction: "6", phase: "edge-provisional" },
      ],
    },
  });
  const edge = await load((await cloudOf(answer)).url, { rung: 99, queue: { baseDelayMs: 60_000 } });
  const [first, second] = await edge.predict(rows.slice(0, 2));
  assert.deepEqual([first.phase, first.prediction], ["cloud", "5"]);
  assert.equal(second.phase, "edge-provisional");
});

test("what the cloud did not answer becomes final later, once", async () => {
  let isUp = false;
  const cloud = await cloudOf((body) => (isUp ? inReverse(body) : undefined));
  const edge = await load({ url: cloud.url, hedgeMs: 5 }, { rung: 99, queue: { ...fast, batchRows: 7 } });
  const finals = [];
  const settled = new Promise((resolve) => edge.onFinal((answer) => finals.push(answer) === 20 && resolve()));
  const answers = await edge.predict(rows.slice(0, 20));
  assert.ok(answers.every(({ phase, prediction, edge }) => phase === "edge-provisional" && prediction === edge.prediction));
  assert.match(answers[0].detail, /^the cloud cannot be reached: /);
  assert.equal(await edge.pending(), 20);
  isUp = true;
  await settled;
  await edge.drain();
  assert.equal(finals.length, 20);
  assert.deepEqual(new Set(finals.map(({ key }) => key)), new Set(rows.slice(0, 20).map(({ key }) => key)));
  assert.ok(finals.every(({ phase, cloud }) => phase === "cloud" && cloud.prediction.length === 1));
  assert.equal(await edge.pending(), 0);
});

test("finals can be iterated, also those that came before anybody listened", async () => {
  let isUp = false;
  const cloud = await cloudOf((body) => (isUp ? inReverse(body) : undefined));
  const edge = await load(cloud.url, { rung: 99, queue: fast });
  await edge.predict(rows.slice(0, 3));
  isUp = true;
  while ((await edge.pending()) > 0) await edge.drain();
  const keys = [];
  for await (const { key } of edge.finals()) if (keys.push(key) === 3) break;
  assert.deepEqual(keys, rows.slice(0, 3).map(({ key }) => key));
});

test("an attempt that fails is made again at once, one that lasts beside it", async () => {
  const failing = await cloudOf((body, n) => (n === 1 ? { status: 503 } : inReverse(body)));
  const first = await load({ url: failing.url, hedgeMs: 60_000 }, { rung: 99 });
  assert.equal((await first.predict(rows.slice(0, 1)))[0].phase, "cloud");
  assert.equal(failing.asked.length, 2);
  const slow = await cloudOf((body, n) => (n === 1 ? new Promise(() => {}) : inReverse(body)));
  const second = await load({ url: slow.url, hedgeMs: 5 }, { rung: 99 });
  assert.equal((await second.predict(rows.slice(0, 1)))[0].phase, "cloud");
  const never = await cloudOf(() => new Promise(() => {}));
  const third = await load({ url: never.url, hedgeMs: 5, timeoutMs: 20 }, { rung: 99, queue: { baseDelayMs: 60_000 } });
  const [answer] = await third.predict(rows.slice(0, 1));
  assert.equal(answer.detail, "the cloud cannot be reached: no answer within 20 ms");
});

test("a server that says its cloud is gone is told so within the time that it named", async () => {
  const gone = { headers: { "plinth-cloud": "unreachable; retry-after=5" }, answer: { answers: [] } };
  const cloud = await cloudOf(() => gone);
  const edge = await load(cloud.url, { rung: 99, queue: { baseDelayMs: 60_000 } });
  await edge.predict(rows.slice(0, 1));
  await edge.predict(rows.slice(1, 2));
  assert.equal(cloud.asked[0].headers["plinth-cloud"], undefined);
  assert.equal(cloud.asked[1].headers["plinth-cloud"], "unreachable; retry-after=5");
});

test("what is no answer of the cloud leaves rows waiting", async () => {
  for (const response of [{ answer: "<html>log in</html>" }, { status: 404, answer: "no such model" }, { answer: {} }]) {
    const edge = await load((await cloudOf(() => response)).url, { rung: 99, queue: { baseDelayMs: 60_000 } });
    const [answer] = await edge.predict(rows.slice(0, 1));
    assert.equal(answer.phase, "edge-provisional");
    assert.equal(await edge.pending(), 1);
  }
});

test("an answer that no model gives leaves rows waiting, too", async () => {
  for (const text of ["null", '{"predictions": 7}', '{"predictions": [null]}', '{"predictions": [{"key": 1.5, "label": 1}]}', '{"answers": [{"key": null, "prediction": "1"}]}']) {
    const edge = await load((await cloudOf(() => ({ answer: text }))).url, { rung: 99, queue: { baseDelayMs: 60_000 } });
    const [answer] = await edge.predict(rows.slice(0, 1));
    assert.equal(answer.phase, "edge-provisional", text);
    assert.equal(await edge.pending(), 1);
  }
});

test("rows that the cloud leaves out do not stand before the others, and are asked once each time", async () => {
  let isUp = false;
  const odd = rows.slice(0, 3).map(({ key }) => key);
  const cloud = await cloudOf(({ instances }) => (isUp ? inReverse({ instances: instances.filter(({ key }) => !odd.includes(key)) }) : undefined));
  const edge = await load(cloud.url, { rung: 99, queue: { baseDelayMs: 60_000, batchRows: 2 } });
  const finals = [];
  edge.onFinal(({ key }) => finals.push(key));
  await edge.predict(rows.slice(0, 10));
  await edge.drain();
  isUp = true;
  const nBefore = cloud.asked.length;
  await edge.drain();
  assert.deepEqual(finals.sort(), rows.slice(3, 10).map(({ key }) => key).sort());
  assert.equal(await edge.pending(), 3);
  assert.equal(cloud.asked.length - nBefore, 5);
});

test("the cloud is not asked before the time that it has named", async (context) => {
  let now = 0;
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const tasks = [];
  const parts = { ask: async () => (tasks.push(now), new Map()), isOnline: () => true, onChange: () => {}, now: () => now, random: () => 1 };
  const queue = new Queue("q", new MemoryStore(), parts, { baseDelayMs: 10 }, false);
  queue.postpone(5000);
  await queue.add([{ id: "1", client: "", row: { key: 1 }, provisional: {}, since: 0, bytes: 1 }]);
  context.mock.timers.tick(5009);
  await queue.pending();
  assert.deepEqual(tasks, []);
  now = 5010;
  context.mock.timers.tick(1);
  await queue.drain();
  assert.deepEqual(tasks, [5010]);
  await queue.close();
});

test("rows for which there is no room are refused, and not lost without a word", async () => {
  const store = new MemoryStore();
  store.add = () => Promise.reject(new Error("the disk is full"));
  const parts = { ask: async () => new Map(), isOnline: () => true, onChange: () => {}, now: Date.now, random: Math.random };
  const queue = new Queue("q", store, parts, { baseDelayMs: 60_000 }, false);
  assert.deepEqual(await queue.add([{}, {}]), Array(2).fill("the queue cannot keep the row: the disk is full"));
  await queue.close();
});

test("a listener that fails keeps nothing from the others", async (context) => {
  const { mock } = context.mock.method(console, "error", () => {});
  const cloud = await cloudOf(inReverse);
  const edge = await load(cloud.url, { rung: 99, queue: { baseDelayMs: 60_000 } });
  const finals = [];
  edge.onFinal(() => {
    throw new Error("of the listener");
  });
  edge.onFinal((answer) => finals.push(answer));
  edge.setOffline(true);
  await edge.predict(rows.slice(0, 1));
  edge.setOffline(false);
  await edge.drain();
  assert.equal(finals.length, 1);
  const errors = mock.calls.map(({ arguments: [said] }) => said).filter((said) => said instanceof Error);
  assert.deepEqual(errors.map(({ message }) => message), ["of the listener"]);
});

test("a final answer that nobody has heard is not asked for again", async () => {
  const store = new MemoryStore();
  const waiting = { id: "1", client: "", row: { key: 1 }, provisional: {}, since: 0, bytes: 1 };
  await store.add([waiting], () => undefined);
  await store.settle([{ id: "1", answer: {} }]);
  assert.deepEqual(await store.add([waiting], () => undefined), [undefined]);
  assert.equal((await store.usage()).rows, 0);
  await store.remove(["1"]);
  assert.deepEqual(await store.settled(), []);
});

test("rows as JSON keep all digits of whole numbers of 64 bits", () => {
  const row = { key: "1n", a: [2n ** 63n - 1n, -1n], b: Float32Array.of(0.5), c: "9007199254740993" };
  assert.equal(rowsJson(row), '{"key":"1n","a":[9223372036854775807,-1],"b":[0.5],"c":"9007199254740993"}');
});

test("limits of the queue", async () => {
  const cloud = (await cloudOf(() => undefined)).url;
  const few = await load(cloud, { rung: 99, queue: { maxRows: 2, baseDelayMs: 60_000 } });
  const answers = await few.predict(rows.slice(0, 3));
  assert.deepEqual(answers.map(({ phase }) => phase), ["edge-provisional", "edge-provisional", "refused"]);
  assert.equal(answers[2].detail, "the queue is full: 2 rows wait, at most 2 may");
  assert.equal((await few.predict(rows.slice(0, 1)))[0].phase, "edge-provisional", "a row that waits already takes no room");
  const small = await load(cloud, { rung: 99, queue: { maxBytes: 10, baseDelayMs: 60_000 } });
  assert.match((await small.predict(rows.slice(0, 1)))[0].detail, /at most 10 may wait/);
  assert.equal(await small.pending(), 0);
});

test("a row that is too old is refused, once", async () => {
  const cloud = (await cloudOf(() => undefined)).url;
  const edge = await load(cloud, { rung: 99, queue: { ...fast, maxAgeMs: -1 } });
  const finals = [];
  edge.onFinal((answer) => finals.push(answer));
  await edge.predict(rows.slice(0, 2));
  while ((await edge.pending()) > 0) await edge.drain();
  await edge.drain();
  assert.deepEqual(finals.map(({ phase }) => phase), ["refused", "refused"]);
  assert.match(finals[0].detail, /no answer of the cloud within -1 ms/);
});

test("a key that is answered at last does not become final again", async () => {
  let isUp = false;
  const cloud = await cloudOf((body) => (isUp ? inReverse(body) : undefined));
  const edge = await load(cloud.url, { rung: 99, queue: { baseDelayMs: 60_000 } });
  const finals = [];
  edge.onFinal((answer) => finals.push(answer));
  await edge.predict(rows.slice(0, 1));
  isUp = true;
  assert.equal((await edge.predict(rows.slice(0, 1)))[0].phase, "cloud");
  await edge.drain();
  assert.deepEqual([finals.length, await edge.pending()], [0, 0]);
});

test("switched off, nothing is sent", async () => {
  const cloud = await cloudOf(inReverse);
  const edge = await load(cloud.url, { rung: 99, queue: fast });
  const states = [];
  edge.onState((state) => states.push(state));
  edge.setOffline(true);
  assert.equal((await edge.predict(rows.slice(0, 1)))[0].phase, "edge-provisional");
  await edge.drain();
  assert.equal(cloud.asked.length, 0);
  const final = new Promise((resolve) => edge.onFinal(resolve));
  edge.setOffline(false);
  assert.equal((await final).phase, "cloud");
  assert.ok(states.some(({ cloud, pending }) => cloud === "offline" && pending === 1));
});

test("rows that cannot be read have their error in their place", async () => {
  const edge = await load((await cloudOf(inReverse)).url);
  const [first, short, text] = await edge.predict([rows[0], { key: 1, X: [1, 2] }, { key: 2, X: new Array(64).fill("1") }]);
  assert.equal(first.key, rows[0].key);
  assert.deepEqual(short, { key: 1, error: { error: "row `1`: tensor `X`: expected a row of shape [64], found 2 values", code: "wrong_shape", row: 1 } });
  assert.equal(text.error.code, "wrong_element");
  await assert.rejects(edge.predict([{ X: rows[0].X }]), { code: "missing_key" });
  await assert.rejects(edge.predict([rows[0], rows[0]]), { code: "duplicate_key" });
  await assert.rejects(edge.predict([{ key: 1.5, X: rows[0].X }]), { code: "invalid_key" });
});

test("a policy that is none, or another model's, is refused", async () => {
  const other = JSON.parse(policy);
  other.edge.onnx_sha256 = "0".repeat(64);
  const cloud = "http://127.0.0.1:9/";
  await assert.rejects(TwoPhase.load({ model, policy: other, cloud }), { code: "policy_mismatch" });
  await assert.rejects(TwoPhase.load({ model, policy: { form: 9 }, cloud }), { code: "no_policy" });
  const unnamed = JSON.parse(policy);
  unnamed.edge.outputs.probabilities = "p";
  await assert.rejects(TwoPhase.load({ model, policy: unnamed, cloud }), /uses the output `p`, the model has label, probabilities/);
});

test("waits double, below a bound, with full jitter", () => {
  const limits = { baseDelayMs: 100, maxDelayMs: 1000 };
  assert.deepEqual([0, 1, 2, 3, 4, 99].map((attempt) => backoffMs(attempt, limits, 1)), [100, 200, 400, 800, 1000, 1000]);
  assert.equal(backoffMs(3, limits, 0.25), 200);
  assert.equal(backoffMs(3, limits, 0), 0);
});
