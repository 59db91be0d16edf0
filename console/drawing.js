/** The drawing area, and what the models see of it: strokes to 8 × 8 pixels from 0 to 16. */

const SIDE = 32;
const CELL = 4;
/** Width of the pen on the bitmap; digits of the data set have about this much ink. */
const PEN = 4.4;

export class Drawing {
  #strokes = [];
  #active = new Map();
  #canvas;
  #context;
  #bitmap = new OffscreenCanvas(SIDE, SIDE).getContext("2d", { willReadFrequently: true });

  /** Calls `onChange` while the pen moves, and `onEnd` when it is lifted. */
  constructor(canvas, { onChange, onEnd }) {
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d");
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      canvas.setPointerCapture(event.pointerId);
      const stroke = [this.#place(event)];
      this.#active.set(event.pointerId, stroke);
      this.#strokes.push(stroke);
      this.paint();
      onChange();
    });
    canvas.addEventListener("pointermove", (event) => {
      const stroke = this.#active.get(event.pointerId);
      if (stroke === undefined) return;
      const moves = event.getCoalescedEvents?.() ?? [];
      stroke.push(...(moves.length > 0 ? moves : [event]).map((move) => this.#place(move)));
      this.paint();
      onChange();
    });
    const end = (event) => this.#active.delete(event.pointerId) && onEnd();
    canvas.addEventListener("pointerup", end);
    canvas.addEventListener("pointercancel", end);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.paint());
  }

  get isEmpty() {
    return this.#strokes.length === 0;
  }

  get isDrawing() {
    return this.#active.size > 0;
  }

  clear() {
    this.#strokes = [];
    this.#active.clear();
    this.paint();
  }

  /** Puts strokes there, lists of points from 0 to 1, as if they had been drawn. */
  set(strokes) {
    this.#strokes = strokes.map((stroke) => stroke.map(([x, y]) => [x * this.#canvas.width, y * this.#canvas.height]));
    this.paint();
  }

  paint() {
    const { width, height } = this.#canvas;
    this.#context.clearRect(0, 0, width, height);
    this.#context.strokeStyle = getComputedStyle(this.#canvas).color;
    trace(this.#context, this.#strokes, width / 13);
  }

  /**
   * 64 numbers from 0 to 16, row by row: the drawing, centred and filling a bitmap of 32 × 32 as those of the data set do, whose set bits are
   * counted in blocks of 4 × 4.
   */
  pixels() {
    const counts = new Array(64).fill(0);
    if (this.isEmpty) return counts;
    this.#bitmap.setTransform(1, 0, 0, 1, 0, 0);
    this.#bitmap.clearRect(0, 0, SIDE, SIDE);
    const { scale, x, y } = fit(this.#strokes.flat());
    this.#bitmap.setTransform(scale, 0, 0, scale, x, y);
    trace(this.#bitmap, this.#strokes, PEN / scale);
    const { data } = this.#bitmap.getImageData(0, 0, SIDE, SIDE);
    for (let bit = 0; bit < SIDE * SIDE; bit++) {
      const [row, column] = [Math.floor(bit / SIDE / CELL), Math.floor((bit % SIDE) / CELL)];
      if (data[4 * bit + 3] > 127) counts[8 * row + column] += 1;
    }
    return counts;
  }

  #place({ clientX, clientY }) {
    const { left, top, width, height } = this.#canvas.getBoundingClientRect();
    return [((clientX - left) / width) * this.#canvas.width, ((clientY - top) / height) * this.#canvas.height];
  }
}

/** The scale and shift that put the middle of the strokes into the middle of the bitmap, as large as the pen leaves room. */
function fit(points) {
  const range = (axis) => points.reduce(([min, max], point) => [Math.min(min, point[axis]), Math.max(max, point[axis])], [Infinity, -Infinity]);
  const [[left, right], [top, bottom]] = [range(0), range(1)];
  const room = SIDE - PEN;
  // Digits are higher than wide; a dot stays one.
  const scale = Math.min(room / Math.max(bottom - top, 40), (room - CELL) / Math.max(right - left, 40));
  return { scale, x: SIDE / 2 - (scale * (left + right)) / 2, y: SIDE / 2 - (scale * (top + bottom)) / 2 };
}

function trace(context, strokes, width) {
  context.lineWidth = width;
  context.lineCap = context.lineJoin = "round";
  for (const [start, ...rest] of strokes) {
    context.beginPath();
    context.moveTo(...start);
    context.lineTo(...start);
    for (const point of rest) context.lineTo(...point);
    context.stroke();
  }
}

/** Shows 64 numbers from 0 to 16 on a canvas of 8 × 8. */
export function showPixels(canvas, pixels) {
  const context = canvas.getContext("2d");
  const image = context.createImageData(8, 8);
  pixels.forEach((value, idx) => image.data.set([18, 150, 128, Math.round((value / 16) * 255)], 4 * idx));
  context.putImageData(image, 0, 0);
}
