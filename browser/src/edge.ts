/** Model and policy together: what the edge answers, and whether that stands. Runs in the worker, or in the caller's thread where there is none. */

import { EdgeError, type Opinion, type Problem, type Reason, type Row, keyJson } from "./answer.js";
import { Decider, type Decision, type EdgeRow, type Policy, type PolicySummary } from "./decision.js";
import { Model } from "./model.js";
import { type Element, type Tensor, type TensorSpec, rowsOf } from "./tensor.js";

/** What the edge says of a row. */
export interface EdgeAnswer {
  isAccepted: boolean;
  opinion: Opinion & { confidence: number | null };
  reason: Reason;
  /** The reason in a sentence. */
  detail: string;
  feature?: string;
}

/** For each row its answer or what is wrong with it, and how long the rows took together. */
export interface EdgeAnswers {
  rows: (EdgeAnswer | { problem: Problem })[];
  milliseconds: number;
  policy: string;
}

/** What is asked of an edge. All of it can be sent to a worker. */
export interface EdgeService {
  load(model: string, policy: string): Promise<PolicySummary>;
  usePolicy(policy: string): Promise<PolicySummary>;
  answer(rows: Row[], client: string, rung: number): Promise<EdgeAnswers>;
  infer(inputs: Tensor[], outputs: string[]): Promise<Tensor[]>;
}

interface Loaded {
  model: Model;
  decider: Decider;
  policy: Policy;
}

/** The service, in this thread. */
export class Edge implements EdgeService {
  private loaded: Loaded | undefined;

  async load(modelUrl: string, policyJson: string): Promise<PolicySummary> {
    const [model, decider] = await Promise.all([Model.load(modelUrl), Decider.load()]);
    const policy = fitting(decider, policyJson, model);
    this.loaded = { model, decider, policy };
    await warmUp(model);
    return policy.summary;
  }

  async usePolicy(policyJson: string): Promise<PolicySummary> {
    const loaded = this.ready();
    loaded.policy = fitting(loaded.decider, policyJson, loaded.model);
    return loaded.policy.summary;
  }

  async answer(rows: Row[], client: string, rung: number): Promise<EdgeAnswers> {
    const { model, policy } = this.ready();
    const started = performance.now();
    const encoded = rows.map((row, idx) => model.encode(row, idx));
    const sound = encoded.flatMap((it, idx) => ("tensors" in it ? [{ row: rows[idx] as Row, tensors: it.tensors }] : []));
    const values = sound.length === 0 ? [] : await model.inferRows(sound.map(({ tensors }) => tensors), outputNames(policy.summary));
    const answered = sound.map((it, idx) => edgeRow(it, values[idx] ?? [], policy.summary, model));
    const decisions = policy.decide(answered, client, rung);
    const answers = decisions.map((decision, idx) => edgeAnswer(decision, answered[idx]?.probabilities ?? []));
    const next = answers.values();
    const inOrder = encoded.map((it) => ("problem" in it ? it : (next.next().value as EdgeAnswer)));
    return { rows: inOrder, milliseconds: performance.now() - started, policy: policy.summary.id };
  }

  async infer(inputs: Tensor[], outputs: string[]): Promise<Tensor[]> {
    return this.ready().model.infer(inputs, outputs);
  }

  private ready(): Loaded {
    if (this.loaded === undefined) throw new EdgeError("not_loaded", "no model is loaded");
    return this.loaded;
  }
}

/** A row as the policy sees it. */
function edgeRow({ row, tensors }: EncodedRow, [probabilities = [], label]: Element[][], policy: PolicySummary, model: Model): EdgeRow {
  const segment = policy.segmentField === undefined ? undefined : row[policy.segmentField];
  return {
    probabilities: Float64Array.from(probabilities, Number),
    features: policy.guardFeatures.length === 0 ? new Float64Array() : features(tensors, model),
    key: keyJson(row.key),
    ...(label === undefined ? {} : { label: String(label[0]) }),
    ...(segment === undefined ? {} : { segment: String(segment) }),
  };
}

interface EncodedRow {
  row: Row;
  tensors: Uint8Array[];
}

/** The values that a guard looks at: all the row's numbers, input after input. */
function features(tensors: Uint8Array[], model: Model): Float64Array {
  const ofInput = (input: TensorSpec, idx: number) =>
    input.datatype === "bytes" ? [] : rowsOf({ ...input, shape: BigUint64Array.of(1n), data: tensors[idx] ?? new Uint8Array() }).flat();
  return Float64Array.from(model.metadata.inputs.flatMap(ofInput), Number);
}

function edgeAnswer(decision: Decision, probabilities: ArrayLike<number>): EdgeAnswer {
  return {
    isAccepted: decision.isAccepted,
    opinion: { prediction: decision.prediction, confidence: decision.confidence ?? null, probabilities: Array.from(probabilities) },
    reason: decision.reason,
    detail: decision.detail,
    ...(decision.feature === undefined ? {} : { feature: decision.feature }),
  };
}

function fitting(decider: Decider, policyJson: string, model: Model): Policy {
  const policy = decider.policy(policyJson, model.property("onnx_sha256"));
  const known = model.metadata.outputs.map((output) => output.name);
  for (const name of outputNames(policy.summary)) {
    if (!known.includes(name)) {
      throw new EdgeError("policy_mismatch", `the policy uses the output \`${name}\`, the model has ${known.join(", ")}`);
    }
  }
  return policy;
}

/** The outputs that the policy looks at: probabilities, then the label if there is one. */
function outputNames({ edge }: PolicySummary): string[] {
  return [edge.probabilities, edge.label].filter((name) => name !== undefined);
}

/** Runs the model once on zeros, so that the first row does not wait for the compiler. A model that cannot is asked when a row comes. */
async function warmUp(model: Model): Promise<void> {
  const row = Object.fromEntries(model.metadata.inputs.map((input) => [input.name, zeros(input.shape, input.datatype)]));
  const encoded = model.encode(row, 0);
  if ("tensors" in encoded) await model.inferRows([encoded.tensors], []).catch(() => undefined);
}

function zeros(shape: BigInt64Array, datatype: string): unknown[] {
  const length = [...shape.slice(1)].reduce((n, dimension) => n * Math.max(1, Number(dimension)), 1);
  return new Array(length).fill(datatype === "bytes" ? "" : datatype === "bool" ? false : 0);
}
