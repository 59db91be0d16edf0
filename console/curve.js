/** The risk–coverage curve, and the point on it that is in use: dragged, by the slider or by keys. */

const BOX = { left: 40, right: 392, top: 12, bottom: 286 };
const SVG = "http://www.w3.org/2000/svg";

export class Curve {
  #svg;
  #slider;
  #points = [];
  #highest = 0.05;
  #here;
  #onPick;

  /** Calls `onPick(point)` when another point is chosen. */
  constructor(svg, slider, onPick) {
    this.#svg = svg;
    this.#slider = slider;
    this.#onPick = onPick;
    slider.addEventListener("input", () => this.#pick(Number(slider.value)));
    const drag = (event) => this.#pick(this.#nearest(event));
    svg.addEventListener("pointerdown", (event) => {
      svg.setPointerCapture(event.pointerId);
      drag(event);
    });
    svg.addEventListener("pointermove", (event) => event.buttons > 0 && drag(event));
  }

  /** Draws a policy: its curve, the risk that it promises, and the point that was tested. */
  draw({ points, tested, maxRisk }) {
    this.#points = points;
    this.#slider.max = points.length - 1;
    const bounds = points.filter(({ coverage }) => coverage > 0.5).map(({ upperBound, risk }) => upperBound ?? risk ?? 0);
    this.#highest = Math.max(1.6 * (maxRisk ?? 0), 1.1 * Math.max(0.01, ...bounds));
    const known = points.filter(({ risk }) => risk !== undefined);
    const line = (of) => known.map((point) => `${this.#x(point.coverage)},${this.#y(of(point))}`);
    const band = [...line(({ upperBound, risk }) => upperBound ?? risk), ...line(({ risk }) => risk).reverse()];
    this.#svg.replaceChildren(
      ...this.#axes(),
      element("polygon", { class: "band", points: band.join(" ") }),
      ...(maxRisk === undefined ? [] : this.#promise(maxRisk)),
      element("polyline", { class: "risk", points: line(({ risk }) => risk).join(" ") }),
      element("circle", { class: "tested", cx: this.#x(tested.coverage), cy: this.#y(tested.risk ?? 0), r: 6 }),
      (this.#here = element("g", {})),
    );
    this.show(tested);
  }

  /** Shows a point, without picking it. */
  show(point) {
    const idx = this.#points.reduce((best, { threshold }, at) => (Math.abs(threshold - point.threshold) < Math.abs(this.#points[best].threshold - point.threshold) ? at : best), 0);
    this.#slider.value = idx;
    this.#slider.setAttribute("aria-valuetext", `threshold ${point.threshold.toFixed(3)}, ${percent(point.coverage)} stand, risk ${percent(point.risk ?? 0)}`);
    const [x, y] = [this.#x(point.coverage), this.#y(point.risk ?? 0)];
    this.#here.replaceChildren(element("line", { class: "here", x1: x, x2: x, y1: BOX.top, y2: BOX.bottom }), element("circle", { class: "handle", cx: x, cy: y, r: 8 }));
  }

  /** Picks the point `by` steps further. */
  step(by) {
    this.#pick(Number(this.#slider.value) + by);
  }

  #pick(idx) {
    const point = this.#points[Math.min(Math.max(idx, 0), this.#points.length - 1)];
    if (point === undefined) return;
    this.show(point);
    this.#onPick(point);
  }

  #nearest({ clientX }) {
    const { left, width } = this.#svg.getBoundingClientRect();
    const coverage = (((clientX - left) / width) * 400 - BOX.left) / (BOX.right - BOX.left);
    const distance = (point) => Math.abs(point.coverage - coverage);
    return this.#points.reduce((best, point, idx) => (distance(point) < distance(this.#points[best]) ? idx : best), 0);
  }

  #axes() {
    const rows = [0, 0.5, 1].flatMap((share) => {
      const y = this.#y(share * this.#highest);
      return [element("line", { class: "grid", x1: BOX.left, x2: BOX.right, y1: y, y2: y }), text(BOX.left - 6, y + 4, percent(share * this.#highest), "end")];
    });
    const columns = [0, 0.25, 0.5, 0.75, 1].map((share) => text(this.#x(share), BOX.bottom + 16, `${100 * share} %`, share === 1 ? "end" : "middle"));
    return [...rows, ...columns, text((BOX.left + BOX.right) / 2, 318, "coverage: answers that stand at the edge", "middle"), text(BOX.left + 6, BOX.top + 12, "risk: wrong ones among them, and its bound", "start")];
  }

  #promise(maxRisk) {
    const y = this.#y(maxRisk);
    return [element("line", { class: "promise", x1: BOX.left, x2: BOX.right, y1: y, y2: y }), text(BOX.left + 6, y + 14, `promised: at most ${percent(maxRisk)}`, "start", "promise-text")];
  }

  #x(coverage) {
    return BOX.left + coverage * (BOX.right - BOX.left);
  }

  #y(risk) {
    return BOX.bottom - Math.min(1, risk / this.#highest) * (BOX.bottom - BOX.top);
  }
}

/** A share in percent. */
export function percent(share, digits = 1) {
  return `${(100 * share).toFixed(digits)} %`;
}

function text(x, y, content, anchor, name = "") {
  const it = element("text", { x, y, "text-anchor": anchor, class: name });
  it.textContent = content;
  return it;
}

function element(name, attributes) {
  const it = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) it.setAttribute(key, value);
  return it;
}
