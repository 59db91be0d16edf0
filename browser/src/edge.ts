/** Model and policy together: what the edge answers, and whether that stands. Runs in the worker, or in the caller's thread where there is none. */

import { EdgeError } from "./answer.js";
import { Decider, type Decisions, type Policy, type PolicySummary } from "./decision.js";
import { Model } from "./model.js";
import { type Batch, encodeRows } from "./rows.js";
import type { Tensor, TensorSpec } from "./tensor.js";

/** What there is to know before rows can be asked. */
export interface Loaded {
  policy: PolicySummary;
  /** The model's inputs. */
  inputs: TensorSpec[];
}

/** What the edge says of the rows of a batch. */
export interface Outcome {
  decisions: Decisions;
  /** The output with the probabilities, if the model has one. */
  probabilities?: Tensor;
  milliseconds: number;
  /** The policy that decided. */
  policy: PolicySummary;
}

/** What is asked of an edge. All of it can be sent to a worker. */
export interface EdgeService {
  load(model: string, policy: string): Promise<Loaded>;
  usePolicy(policy: string): Promise<PolicySummary>;
  /** The batch is handed over, and of no use afterwards. */
  answer(batch: Batch, client: string, rung: number): Promise<Outcome>;
  infer(inputs: Tensor[], outputs: string[]): Promise<Tensor[]>;
}

interface Parts {
  model: Model;
  decider: Decider;
  policy: Policy;
}

/** The service, in this thread. */
export class Edge implements EdgeService {
  private parts: Parts | undefined;

  async load(modelUrl: string, policyJson: string): Promise<Loaded> {
    const [model, decider] = await Promise.all([Model.load(modelUrl), Decider.load()]);
    const policy = fitting(decider, policyJson, model);
    this.parts = { model, decider, policy };
    await this.warmUp(model);
    return { policy: policy.summary, inputs: model.metadata.inputs };
  }

  async usePolicy(policyJson: string): Promise<PolicySummary> {
    const parts = this.ready();
    parts.policy = fitting(parts.decider, policyJson, parts.model);
    return parts.policy.summary;
  }

  async answer({ inputs, keys }: Batch, client: string, rung: number): Promise<Outcome> {
    const { model, policy } = this.ready();
    const started = performance.now();
    const outputs = await model.infer(inputs, outputNames(policy.summary));
    const decisions = policy.decide({ inputs: policy.needsInputs ? inputs : [], outputs, keys, client }, rung);
    const probabilities = outputs.find(({ name }) => name === policy.summary.edge.probabilities);
    const milliseconds = performance.now() - started;
    return { decisions, milliseconds, policy: policy.summary, ...(probabilities && { probabilities }) };
  }

  async infer(inputs: Tensor[], outputs: string[]): Promise<Tensor[]> {
    return this.ready().model.infer(inputs, outputs);
  }

  /** Answers a row of zeros, so that the first row does not wait for the compiler. A model that cannot is asked when a row comes. */
  private async warmUp({ metadata: { inputs } }: Model): Promise<void> {
    const row = Object.fromEntries(inputs.map(({ name, shape, datatype }) => [name, zeros(shape, datatype)]));
    const { batch } = encodeRows(inputs, [{ ...row, key: 0 }]);
    if (batch.nRows > 0) await this.answer(batch, "", 0).catch(() => undefined);
  }

  private ready(): Parts {
    if (this.parts === undefined) throw new EdgeError("not_loaded", "no model is loaded");
    return this.parts;
  }
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

function zeros(shape: BigInt64Array, datatype: string): unknown[] {
  const length = [...shape.slice(1)].reduce((n, dimension) => n * Math.max(1, Number(dimension)), 1);
  return new Array(length).fill(datatype === "bytes" ? "" : datatype === "bool" ? false : 0);
}
