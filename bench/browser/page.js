/**
 * Run in the page, which is new for each measurement: loads one engine, and times what a user of it would wait for. All do the same work, from rows
 * as JSON gives them to a label and probabilities for each; those with a policy decide besides.
 */

const MODEL = "/models/digits-edge";
const WIDTH = 64;

/** An engine: `load()` gives `answer(rows)`, and `infer(pixels)` for what runs on tensors alone. */
const ENGINES = {
  /** Model and policy in a Web Worker, as `TwoPhase` has them if nothing is said. */
  "plinth, worker": () => twoPhase(true),
  /** Model and policy in the page's own thread. */
  "plinth, page": () => twoPhase(false),
  /** The model without a policy, in the page's own thread. */
  "plinth, model alone": async () => {
    const { Model } = await import("/edge/index.js");
    const model = await Model.load(new URL(`${MODEL}/model.js`, location.href).href);
    const infer = (pixels) => {
      const shape = BigUint64Array.of(BigInt(pixels.length / WIDTH), BigInt(WIDTH));
      return model.infer([{ name: "X", datatype: "fp32", shape, data: new Uint8Array(pixels.buffer) }], ["label", "probabilities"]);
    };
    const answer = async (rows) => {
      const [label, probabilities] = await infer(pixelsOf(rows));
      return answers(rows, new BigInt64Array(label.data.buffer), new Float32Array(probabilities.data.buffer));
    };
    return { answer, infer };
  },
  "onnxruntime-web, worker": () => onnxRuntime(true),
  "onnxruntime-web, page": () => onnxRuntime(false),
};

async function twoPhase(worker) {
  const { TwoPhase } = await import("/edge/index.js");
  const edge = await TwoPhase.load({ model: `${MODEL}/model.js`, policy: "/policy.json", cloud: "/v1/models/digits:predict", worker });
  return { answer: (rows) => edge.decide(rows) };
}

/** The CPU build: one thread, as ours, and as a page has it that is not isolated. */
async function onnxRuntime(proxy) {
  const ort = await import("/ort/ort.wasm.min.mjs");
  Object.assign(ort.env.wasm, { numThreads: 1, proxy, wasmPaths: "/ort/" });
  const session = await ort.InferenceSession.create("/onnx/model.onnx", { executionProviders: ["wasm"] });
  const infer = (pixels) => session.run({ X: new ort.Tensor("float32", pixels, [pixels.length / WIDTH, WIDTH]) });
  const answer = async (rows) => {
    const { label, probabilities } = await infer(pixelsOf(rows));
    return answers(rows, label.data, probabilities.data);
  };
  return { answer, infer };
}

function pixelsOf(rows) {
  const pixels = new Float32Array(rows.length * WIDTH);
  rows.forEach(({ X }, idx) => pixels.set(X, idx * WIDTH));
  return pixels;
}

function answers(rows, labels, probabilities) {
  const width = probabilities.length / rows.length;
  return rows.map(({ key }, idx) => ({ key, label: Number(labels[idx]), probabilities: Array.from(probabilities.subarray(idx * width, (idx + 1) * width)) }));
}

/** Milliseconds: until it is loaded, for the first answer, and all of warm ones. */
export async function measure(name, inputs, repetitions) {
  const all = inputs.map((X, key) => ({ key, X }));
  const time = async (task) => {
    const started = performance.now();
    const value = await task();
    return [performance.now() - started, value];
  };
  const [load, { answer, infer }] = await time(ENGINES[name]);
  const [first] = await time(() => answer([all[0]]));
  const warm = await blocks(repetitions, (idx) => answer([all[idx % all.length]]));
  const batch = await blocks(repetitions / 5, () => answer(all));
  const pixels = pixelsOf(all);
  // A tensor that is handed over to a worker is gone: each call has its own.
  const tensors = infer === undefined ? [] : await blocks(repetitions / 5, () => infer(pixels.slice()));
  return { load: [load], first: [first], warm, batch, tensors };
}

/** The clock of a page is coarse: ten calls are timed together. */
async function blocks(n, call) {
  for (let idx = 0; idx < n; idx++) await call(idx);
  const times = [];
  for (let block = 0; block < n / 10; block++) {
    const started = performance.now();
    for (let idx = 0; idx < 10; idx++) await call(10 * block + idx);
    times.push((performance.now() - started) / 10);
  }
  return times;
}
