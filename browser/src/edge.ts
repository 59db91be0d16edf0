/** Model and policy together: what the edge answers, and whether that stands. Runs in the worker, or in the caller's thread where there is none. */

import { EdgeError, type Opinion, type Problem, type Reason, type Row, keyJson } from "./answer.js";
import { Decider, type Policy, type PolicySummary } from "./decision.js";
import { Model } from "./model.js";
import { type Element, type Tensor, rowsOf } from "./tensor.js";

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
    const sound = encoded.flatMap((it) => ("tensors" in it ? [it.tensors] : []));
    const outputs = outputNames(policy.summary);
    const values = sound.length === 0 ? [] : await model.inferRows(sound, outputs);
    let next = 0;
    const answers = encoded.map((it, idx) => {
      if ("problem" in it) return it;
      const [probabilities = [], label] = values[next++] ?? [];
      return decide(loadedRow(rows[idx] as Row, it.tensors, model), probabilities, label?.[0], { policy, client, rung });
    });
    return { rows: answers, milliseconds: performance.now() - started, policy: policy.summary.id };
  }

  async infer(inputs: Tensor[], outputs: string[]): Promise<Tensor[]> {
    return this.ready().model.infer(inputs, outputs);
  }

  private ready(): Loaded {
    if (this.loaded === undefined) throw new EdgeError("not_loaded", "no model is loaded");
    return this.loaded;
  }
}

/** A row with the values that a guard looks at: all its numbers, input after input. */
interface GuardedRow {
  row: Row;
  features: () => Float64Array;
}

function loadedRow(row: Row, tensors: Uint8Array[], model: Model): GuardedRow {
  const features = () => {
    const columns = model.metadata.inputs.flatMap((input, idx) =>
      input.datatype === "bytes"
        ? []
        : rowsOf({ ...input, shape: BigUint64Array.of(1n), data: tensors[idx] ?? new Uint8Array() }).flat(),
    );
    return Float64Array.from(columns, Number);
  };
  return { row, features };
}

function decide(
  { row, features }: GuardedRow,
  probabilities: Element[],
  label: Element | undefined,
  { policy, client, rung }: { policy: Policy; client: string; rung: number },
): EdgeAnswer {
  const { guardFeatures, segmentField } = policy.summary;
  const segment = segmentField === undefined ? undefined : row[segmentField];
  const numbers = probabilities.map(Number);
  const decision = policy.decide(
    {
      probabilities: Float64Array.from(numbers),
      features: guardFeatures.length === 0 ? new Float64Array() : features(),
      isAudited: policy.isAudited(client, keyJson(row.key)),
      ...(label === undefined ? {} : { label: String(label) }),
      ...(segment === undefined ? {} : { segment: String(segment) }),
    },
    rung,
  );
  const confidence = decision.confidence ?? null;
  return {
    isAccepted: decision.isAccepted,
    opinion: { prediction: decision.prediction, confidence, probabilities: numbers },
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
