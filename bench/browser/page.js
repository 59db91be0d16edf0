/** Run in the page, which is new for each measurement: loads one engine, and times what a user of it would wait for. */

const MODEL = "/models/digits-edge";

/** An engine: `load()` gives a function from pixels (rows one after the other) to a promise of the answers. */
const ENGINES = {
  /** Model and policy in a Web Worker, as `TwoPhase` has them if nothing is said. */
  "plinth, worker": () => twoPhase(true),
  /** Model and policy in the page's own thread. */
  "plinth, page": () => twoPhase(false),
  /** The model alone, without a policy. */
  "plinth, model alone": async () => {
    const { Model } = await import("/edge/index.js");
    const model = await Model.load(new URL(`${MODEL}/model.js`, location.href).href);
    return async (pixels) => {
      const shape = new BigUint64Array([BigInt(pixels.length / 64), 64n]);
      return model.infer([{ name: "X", datatype: "fp32", shape, data: new Uint8Array(pixels.buffer) }], ["label", "probabilities"]);
    };
  },
  "onnxruntime-web, page": () => onnxRuntime(false),
  "onnxruntime-web, worker": () => onnxRuntime(true),
};

async function twoPhase(worker) {
  const { TwoPhase } = await import("/edge/index.js");
  const edge = await TwoPhase.load({ model: `${MODEL}/model.js`, policy: "/policy.json", cloud: "/v1/models/digits:predict", worker });
  return async (pixels) => {
    const rows = Array.from({ length: pixels.length / 64 }, (_, key) => ({ key, X: pixels.subarray(64 * key, 64 * key + 64) }));
    return edge.decide(rows);
  };
}

/** The CPU build: one thread, as ours, and as a page has it that is not isolated. */
async function onnxRuntime(proxy) {
  const ort = await import("/ort/ort.wasm.min.mjs");
  Object.assign(ort.env.wasm, { numThreads: 1, proxy, wasmPaths: "/ort/" });
  const session = await ort.InferenceSession.create("/onnx/model.onnx", { executionProviders: ["wasm"] });
  return async (pixels) => session.run({ X: new ort.Tensor("float32", pixels, [pixels.length / 64, 64]) });
}

/** Milliseconds: until it is loaded, for the first answer, and the medians of warm ones. */
export async function measure(name, rows, repetitions) {
  const one = (idx) => Float32Array.from(rows[idx % rows.length]);
  const time = async (task) => {
    const started = performance.now();
    const value = await task();
    return [performance.now() - started, value];
  };
  const [load, predict] = await time(ENGINES[name]);
  const [first] = await time(() => predict(one(0)));
  const warm = await median(repetitions, (idx) => time(() => predict(one(idx))));
  const batch = await median(repetitions / 20, () => time(() => predict(Float32Array.from(rows.slice(0, 256).flat()))));
  return { load, first, warm, batch };
}

/** The clock of a page is coarse: ten calls are timed together. */
async function median(n, call) {
  for (let idx = 0; idx < n; idx++) await call(idx);
  const times = [];
  for (let block = 0; block < n / 10; block++) {
    const started = performance.now();
    for (let idx = 0; idx < 10; idx++) await call(10 * block + idx);
    times.push((performance.now() - started) / 10);
  }
  return times.sort((a, b) => a - b)[Math.floor(times.length / 2)];
}
