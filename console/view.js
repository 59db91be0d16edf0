/** What is on the page besides drawing and curve. Knows nothing of models: it is told what to show. */

import { percent } from "./curve.js";

const $ = (id) => document.getElementById(id);
const PHASES = {
  none: "Nothing drawn",
  edge: "Stands at the edge",
  escalate: "The cloud is to be asked",
  cloud: "Final, by the cloud",
  "edge-provisional": "Provisional: the cloud is away",
  refused: "Not confirmed",
};
const CLOUDS = { reachable: "Cloud in reach", unreachable: "Cloud out of reach", offline: "Offline" };
const LOG_ROWS = 4;

export function makeBars(classes) {
  const bar = (name) => {
    const row = document.createElement("li");
    row.dataset.class = name;
    row.append(document.createElement("i"), document.createElement("b"));
    return row;
  };
  $("bars").replaceChildren(...classes.map(bar));
  showBars(classes.map(() => 0));
}

export function showBars(probabilities) {
  const greatest = Math.max(...probabilities);
  [...$("bars").children].forEach((row, idx) => {
    const probability = probabilities[idx] ?? 0;
    row.style.setProperty("--p", probability);
    row.classList.toggle("first", probability > 0 && probability === greatest);
    row.querySelector("b").textContent = probability > 0 ? percent(probability) : "–";
  });
}

export function showConfidence(confidence, threshold) {
  const gauge = $("confidence");
  gauge.style.setProperty("--value", confidence ?? 0);
  gauge.style.setProperty("--threshold", threshold ?? 1);
  gauge.classList.toggle("below", confidence !== null && confidence < threshold);
  const [value, limit] = gauge.querySelectorAll("b");
  value.textContent = confidence === null ? "–" : percent(confidence);
  limit.textContent = threshold === undefined ? "none" : percent(threshold);
  gauge.setAttribute("aria-label", `Confidence ${value.textContent}, threshold ${limit.textContent}`);
}

/** One of the two opinions. */
export function showOpinion(id, { prediction = "–", time, note, isFinal = false }) {
  const card = $(id);
  card.querySelector("output").textContent = prediction;
  card.querySelector("b").textContent = time === undefined ? "–" : milliseconds(time);
  card.querySelector("small").textContent = note;
  card.classList.toggle("final", isFinal);
  card.classList.toggle("empty", prediction === "–");
}

export function showPhase(phase, reason) {
  $("phase").dataset.phase = phase;
  $("phase").textContent = PHASES[phase];
  $("phase").title = reason ?? "";
}

export function showState({ cloud, pending }) {
  $("state").dataset.cloud = cloud;
  $("state").textContent = CLOUDS[cloud];
  $("pending").textContent = pending === 1 ? "1 waits" : `${pending} wait`;
  $("pending").dataset.cloud = pending > 0 ? "offline" : "";
}

export function showFailure(message) {
  $("state").dataset.cloud = "failed";
  $("state").textContent = "Failed";
  $("statement").textContent = message;
  $("statement").classList.add("void");
}

export function showPoint({ threshold, coverage, risk, upperBound }, statement, isTested) {
  const show = (name, value) => (document.querySelector(`[data-of=${name}]`).textContent = value);
  show("threshold", threshold.toFixed(3));
  show("coverage", percent(coverage));
  show("risk", risk === undefined ? "–" : percent(risk));
  show("bound", upperBound === undefined ? "–" : percent(upperBound));
  $("statement").textContent = isTested ? statement : "Not the threshold that was tested: the promise does not hold here, only the measured risk and, for this point alone, its bound.";
  $("statement").classList.toggle("void", !isTested);
  $("reset").disabled = isTested;
}

/** Puts an answer into the log, or changes the one under its key. */
export function logAnswer({ key, prediction, phase, reason, milliseconds: time }, picture) {
  const log = $("log");
  let row = log.querySelector(`[data-key="${CSS.escape(String(key))}"]`);
  if (row === null) {
    if (picture === undefined) return;
    row = document.createElement("li");
    row.dataset.key = key;
    const image = Object.assign(new Image(28, 28), { src: picture, alt: "" });
    row.append(image, document.createElement("b"), document.createElement("small"), document.createElement("span"));
    row.lastChild.className = "pill";
    log.querySelector(".none")?.remove();
    log.prepend(row);
    while (log.children.length > LOG_ROWS) log.lastChild.remove();
  }
  row.children[1].textContent = prediction;
  row.children[2].textContent = `${reason.replaceAll("-", " ")} · ${milliseconds(time.cloud ?? time.edge)}`;
  row.children[3].textContent = { edge: "edge", cloud: "cloud", "edge-provisional": "waits", refused: "refused" }[phase];
  row.children[3].dataset.phase = phase;
}

export function makeLabels(classes, onPick) {
  const button = (name) => {
    const it = Object.assign(document.createElement("button"), { type: "button", textContent: name, disabled: true });
    it.setAttribute("aria-pressed", "false");
    it.setAttribute("aria-label", `The digit was ${name}`);
    it.addEventListener("click", () => onPick(name));
    return it;
  };
  $("labels").replaceChildren(...classes.map(button));
}

export function showLabels({ isEnabled, picked, note }) {
  for (const button of $("labels").children) {
    button.disabled = !isEnabled;
    button.setAttribute("aria-pressed", String(button.textContent === picked));
  }
  if (note !== undefined) $("corrected").textContent = note;
}

export function showFootnote(text) {
  $("footnote").textContent = text;
}

function milliseconds(time) {
  return `${time.toFixed(time < 10 ? 1 : 0)} ms`;
}
