/** The console: a drawing, the edge that answers it in the page, the cloud behind it, and the threshold between the two. */

import { TwoPhase } from "./edge/index.js";
import { Curve } from "./curve.js";
import { Drawing, showPixels } from "./drawing.js";
import * as view from "./view.js";

const MODEL = "digits-edge";
const CLOUD = "digits";
/** How long the pen rests before the drawing is a row. */
const PAUSE_MS = 450;
const $ = (id) => document.getElementById(id);

const drawing = new Drawing($("canvas"), { onChange: look, onEnd: () => (pause = setTimeout(ask, PAUSE_MS)) });
const curve = new Curve($("curve"), $("threshold"), useThreshold);

let edge;
/** The policy file as the server gave it, and the point in use. */
let policy;
let tested;
let point;
let pause;
/** The row that was asked last: key, pixels, answer. */
let current;
let isLooking = false;

/** The policy of this page. It has no guard, unlike that of the server's `edge-check`: nobody draws as the data set was scanned. */
async function fetchPolicy() {
  return (await fetch("policy.json")).json();
}

async function start() {
  const started = performance.now();
  policy = await fetchPolicy();
  edge = await TwoPhase.load({ model: "model/model.js", policy, cloud: `v1/models/${CLOUD}:predict`, client: "console" });
  const { classes, ladders, curve: points } = edge.policy;
  view.makeBars(classes);
  view.makeLabels(classes, correct);
  tested = point = ladders[0].ladder[0] ?? points[0];
  curve.draw({ points, tested, maxRisk: policy.promise.max_risk });
  view.showPoint(point, edge.policy.statement, true);
  view.showConfidence(null, point.threshold);
  edge.onState(view.showState);
  edge.onFinal(settle);
  view.showFootnote(`Policy ${edge.policy.id} · ready in ${(performance.now() - started).toFixed(0)} ms`);
  document.documentElement.dataset.ready = "true";
  look();
}

/** Shows what the edge says of the drawing as it is; nothing is sent. */
async function look() {
  clearTimeout(pause);
  $("hint").classList.toggle("gone", !drawing.isEmpty);
  if (edge === undefined || isLooking || drawing.isEmpty) return;
  isLooking = true;
  await new Promise(requestAnimationFrame);
  const pixels = drawing.pixels();
  showPixels($("pixels"), pixels);
  const { rows, milliseconds } = await edge.decide([{ key: "look", X: pixels }]);
  isLooking = false;
  if (drawing.isEmpty) return;
  const [{ opinion, isAccepted, detail }] = rows;
  showEdge(opinion, milliseconds, isAccepted);
  if (drawing.isDrawing) {
    view.showPhase(isAccepted ? "edge" : "escalate", detail);
    view.showOpinion("cloud", { note: "not asked" });
    view.showLabels({ isEnabled: false });
  }
}

function showEdge(opinion, time, isFinal) {
  view.showBars(opinion.probabilities);
  view.showConfidence(opinion.confidence, point.threshold);
  view.showOpinion("edge", { prediction: opinion.prediction, time, note: "in this page", isFinal });
}

/** Asks for an answer under a new key. */
async function ask() {
  if (edge === undefined || drawing.isEmpty) return;
  const pixels = drawing.pixels();
  const row = { key: newKey(), X: pixels };
  current = { row };
  const [answer] = await edge.predict([row]);
  if (current.row !== row) return;
  current.answer = answer;
  view.logAnswer(answer, $("pixels").toDataURL());
  view.showLabels({ isEnabled: true, note: "The true label goes to the evaluation, under the row's key." });
  showAnswer(answer);
}

function showAnswer({ phase, detail, edge: opinion, cloud, milliseconds }) {
  showEdge(opinion, milliseconds.edge, phase === "edge");
  view.showPhase(phase, detail);
  if (cloud) view.showOpinion("cloud", { prediction: cloud.prediction, time: milliseconds.cloud, note: "over the network", isFinal: true });
  else view.showOpinion("cloud", { note: phase === "edge" ? "not asked" : "waits in the queue" });
}

/** A final answer of a row that waited. */
function settle(answer) {
  view.logAnswer(answer);
  if (current?.answer?.key !== answer.key) return;
  current.answer = answer;
  showAnswer(answer);
}

/** Decides by another point of the curve: the same policy but for its threshold. */
async function useThreshold(chosen) {
  if (edge === undefined) return;
  point = chosen;
  const isTested = chosen.threshold === tested.threshold;
  view.showPoint(chosen, edge.policy.statement, isTested);
  view.showConfidence(current?.answer?.confidence ?? null, chosen.threshold);
  const ofCurve = policy.curve.find(({ threshold }) => threshold === chosen.threshold);
  await edge.usePolicy(isTested ? policy : { ...policy, thresholds: { by: "all", ladder: [ofCurve] } });
  look();
}

/** Tells the evaluation what the drawing was. */
async function correct(label) {
  const { row, answer } = current ?? {};
  if (answer === undefined) return;
  view.showLabels({ isEnabled: true, picked: label, note: "Sending the label…" });
  const truth = { key: row.key, client: "console", label: Number.isNaN(Number(label)) ? label : Number(label) };
  const body = JSON.stringify({ instances: [row], client: "console" });
  try {
    // The evaluation can only join a label to a row that some function of the server has seen.
    await post(`v1/models/${MODEL}:predict`, body);
    await post(`evaluate/ground-truth?model=${MODEL}`, JSON.stringify(truth));
    const verdict = answer.prediction === label ? "The answer was right" : `The answer was ${answer.prediction}`;
    view.showLabels({ isEnabled: true, picked: label, note: `${verdict}: kept under ${row.key}.` });
  } catch (error) {
    view.showLabels({ isEnabled: true, note: `The label could not be sent: ${error.message}` });
  }
}

async function post(url, body) {
  const response = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });
  if (!response.ok) throw new Error(`${response.status} of ${url}`);
}

function clear() {
  clearTimeout(pause);
  drawing.clear();
  current = undefined;
  $("hint").classList.remove("gone");
  showPixels($("pixels"), drawing.pixels());
  if (edge === undefined) return;
  view.showBars(edge.policy.classes.map(() => 0));
  view.showConfidence(null, point.threshold);
  view.showPhase("none");
  view.showOpinion("edge", { note: "in this page" });
  view.showOpinion("cloud", { note: "not asked" });
  view.showLabels({ isEnabled: false, note: "The true label goes to the evaluation, under the row's key." });
}

/** A key that no other drawing has. */
function newKey() {
  const random = crypto.getRandomValues(new Uint8Array(8));
  return `drawn-${Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

function setOffline(isOffline) {
  $("offline").checked = isOffline;
  edge?.setOffline(isOffline);
}

const KEYS = {
  c: clear,
  o: () => setOffline(!$("offline").checked),
  ArrowLeft: () => curve.step(-1),
  ArrowRight: () => curve.step(1),
  ArrowUp: () => curve.step(-1),
  ArrowDown: () => curve.step(1),
};

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target === $("threshold")) return;
  const action = KEYS[event.key] ?? (/^\d$/.test(event.key) ? () => correct(event.key) : undefined);
  if (action === undefined) return;
  event.preventDefault();
  action();
});
$("clear").addEventListener("click", clear);
$("reset").addEventListener("click", () => {
  curve.show(tested);
  useThreshold(tested);
});
$("offline").addEventListener("change", ({ target }) => setOffline(target.checked));

start().catch((error) => view.showFailure(error.message));
