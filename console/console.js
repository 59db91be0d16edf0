/** The console: a drawing, the edge that answers it in the page, the cloud behind it, and the threshold between the two. */

import { TwoPhase } from "./edge/index.js";
import { Curve } from "./curve.js";
import { Drawing, showPixels } from "./drawing.js";
import * as view from "./view.js";

const MODEL = "digits-edge";
const CLOUD = "digits";
/** Why there is no answer of the cloud. */
const NOTES = { edge: "not asked", "edge-provisional": "waits in the queue", refused: "no answer" };
/** How long the pen rests before the drawing is a row. */
const PAUSE_MS = 450;
const $ = (id) => document.getElementById(id);

const drawing = new Drawing($("canvas"), { onChange: change, onEnd: () => (pause = setTimeout(ask, PAUSE_MS)) });
const curve = new Curve($("curve"), $("threshold"), useThreshold);

let edge;
/** The policy file as the server gave it, and the point in use. */
let policy;
let tested;
let point;
let pause;
/** The row that was asked last: key, pixels, answer. */
let current;
/** Whether the edge is looking at the drawing, and whether that or the threshold has changed since. */
let isLooking = false;
let isStale = false;

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
  edge.setOffline($("offline").checked);
  edge.onState(view.showState);
  edge.onFinal(settle);
  view.showFootnote(`Policy ${edge.policy.id} · ready in ${(performance.now() - started).toFixed(0)} ms`);
  document.documentElement.dataset.ready = "true";
  await look();
  await ask();
}

/** The drawing is another one: what was answered is not about it, nor is a label. */
function change() {
  clearTimeout(pause);
  current = undefined;
  look();
}

/** Shows what the edge says of the drawing as it is; nothing is sent. */
async function look() {
  $("hint").classList.toggle("gone", !drawing.isEmpty);
  isStale = true;
  if (edge === undefined || isLooking) return;
  isLooking = true;
  try {
    while (isStale && !drawing.isEmpty) await lookOnce();
  } catch (error) {
    view.showFailure(error.message);
  } finally {
    isLooking = false;
  }
}

async function lookOnce() {
  await new Promise(requestAnimationFrame);
  isStale = false;
  const pixels = drawing.pixels();
  showPixels($("pixels"), pixels);
  const { rows, milliseconds } = await edge.decide([{ key: "look", X: pixels }]);
  if (drawing.isEmpty) return;
  const [{ opinion, isAccepted, detail }] = rows;
  showEdge(opinion, milliseconds, isAccepted);
  const { phase } = current?.answer ?? {};
  if (isAccepted) view.showPhase("edge", detail);
  else view.showPhase(phase === undefined || phase === "edge" ? "escalate" : phase, detail);
  if (current !== undefined) return;
  view.showOpinion("cloud", { note: "not asked" });
  view.showLabels({ isEnabled: false });
}

function showEdge(opinion, time, isFinal) {
  view.showBars(opinion.probabilities);
  view.showConfidence(opinion.confidence, point.threshold);
  view.showOpinion("edge", { prediction: opinion.prediction, time, note: "in this page", isFinal });
}

/** Asks for an answer under a new key. */
async function ask() {
  if (edge === undefined || drawing.isEmpty || drawing.isDrawing) return;
  const pixels = drawing.pixels();
  showPixels($("pixels"), pixels);
  const picture = $("pixels").toDataURL();
  const row = { key: newKey(), X: pixels };
  current = { row };
  try {
    const [answer] = await edge.predict([row]);
    view.logAnswer(answer, picture);
    if (current?.row !== row) return;
    current.answer = answer;
    view.showLabels({ isEnabled: true, note: "The true label goes to the evaluation, under the row's key." });
    showAnswer(answer);
  } catch (error) {
    view.showFailure(error.message);
  }
}

function showAnswer({ phase, detail, edge: opinion, cloud, milliseconds }) {
  showEdge(opinion, milliseconds.edge, phase === "edge");
  view.showPhase(phase, detail);
  if (cloud) view.showOpinion("cloud", { prediction: cloud.prediction, time: milliseconds.cloud, note: "over the network", isFinal: true });
  else view.showOpinion("cloud", { note: NOTES[phase] });
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
  try {
    await edge.usePolicy(isTested ? policy : { ...policy, thresholds: { by: "all", ladder: [ofCurve] } });
  } catch (error) {
    return view.showFailure(error.message);
  }
  await look();
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
    if (current?.row !== row) return;
    const verdict = answer.prediction === label ? "The answer was right" : `The answer was ${answer.prediction}`;
    view.showLabels({ isEnabled: true, picked: label, note: `${verdict}: kept under ${row.key}.` });
  } catch (error) {
    if (current?.row === row) view.showLabels({ isEnabled: true, note: `The label could not be sent: ${error.message}` });
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
};

addEventListener("keydown", (event) => {
  const isOfSlider = event.target === $("threshold") && event.key.startsWith("Arrow");
  const isHeld = event.repeat && !event.key.startsWith("Arrow");
  if (event.ctrlKey || event.metaKey || event.altKey || isOfSlider || isHeld) return;
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
