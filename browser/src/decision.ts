/** The policy, decided by the code of the server (`crates/two-phase`), which comes as a component. */

import { Component } from "./component.js";
import { EdgeError, type Reason } from "./answer.js";
import type { Tensor } from "./tensor.js";

/** A threshold and what it did to the rows of the test. */
export interface OperatingPoint {
  threshold: number;
  coverage: number;
  nAccepted: number;
  nWrong?: number;
  risk?: number;
  upperBound?: number;
}

/** A model that the policy is bound to. */
export interface ModelRef {
  name: string;
  version: string;
  onnxSha256: string;
  /** The output with a probability for each class. */
  probabilities?: string;
  /** The output with the label. */
  label?: string;
}

/** What a policy says. */
export interface PolicySummary {
  id: string;
  /** The promise in words. */
  statement: string;
  classes: string[];
  edge: ModelRef;
  cloud: ModelRef;
  guardFeatures: string[];
  segmentField?: string;
  /** Risk by coverage, the strictest threshold first. */
  curve: OperatingPoint[];
  /** The ladder of each group; one with an empty name if there is one for all rows. */
  ladders: { name: string; ladder: OperatingPoint[] }[];
}

/** What rows have in common that were decided alike. */
export interface Verdict {
  isAccepted: boolean;
  reason: Reason;
  detail: string;
  feature?: string;
}

/** What becomes of rows: a number for each row in each list that is about rows. */
export interface Decisions {
  verdicts: Verdict[];
  /** Indices of `verdicts`. */
  verdictOfRow: Uint32Array;
  /** Answers of the edge that are no class. */
  furtherLabels: string[];
  /** Indices of the policy's classes, and of `furtherLabels` after them. */
  labelOfRow: Uint32Array;
  /** NaN if the probabilities are no distribution. */
  confidenceOfRow: Float64Array;
}

/** Rows that the edge has answered. */
export interface DecisionBatch {
  inputs: Tensor[];
  outputs: Tensor[];
  /** As JSON, one a line: with the client, a key tells whether its row is in the sample that watches the promise. */
  keys: string;
  client: string;
}

type WirePoint = Omit<OperatingPoint, "nAccepted" | "nWrong"> & { nAccepted: bigint; nWrong?: bigint };

interface WirePolicy {
  id(): string;
  statement(): string;
  classes(): string[];
  edge(): ModelRef;
  cloud(): ModelRef;
  guardFeatures(): string[];
  segmentField(): string | undefined;
  curve(): WirePoint[];
  ladders(): { name: string; ladder: WirePoint[] }[];
  checkEdge(onnxSha256: string): void;
  decide(batch: DecisionBatch, rung: number): Decisions;
}

interface Exports {
  Policy: { parse(json: string): WirePolicy };
}

/** Where the core modules lie. Each is written out, so that whoever bundles this finds them all. */
const CORES: Record<string, URL> = {
  "decision.core.wasm": new URL("./decision/decision.core.wasm", import.meta.url),
  "decision.core2.wasm": new URL("./decision/decision.core2.wasm", import.meta.url),
  "decision.core3.wasm": new URL("./decision/decision.core3.wasm", import.meta.url),
};

function locate(path: string): URL {
  const found = CORES[path];
  if (found === undefined) throw new TypeError(`the decision has no core module \`${path}\``);
  return found;
}

/** What reads policies. Loaded once. */
export class Decider {
  private constructor(private readonly exports: Exports) {}

  static async load(): Promise<Decider> {
    const component = Component.of(await import("./decision/decision.js"), locate);
    return new Decider(await component.instantiate<Exports>("plinth:two-phase/decisions"));
  }

  /** A policy file, checked, for the model with this digest. Throws an EdgeError that says what is wrong with it. */
  policy(json: string, onnxSha256: string): Policy {
    const policy = guarded("no_policy", () => this.exports.Policy.parse(json));
    guarded("policy_mismatch", () => policy.checkEdge(onnxSha256));
    return new Policy(policy);
  }
}

/** A policy that fits the model. */
export class Policy {
  readonly summary: PolicySummary;

  constructor(private readonly policy: WirePolicy) {
    const segmentField = policy.segmentField();
    this.summary = {
      id: policy.id(),
      statement: policy.statement(),
      classes: policy.classes(),
      edge: policy.edge(),
      cloud: policy.cloud(),
      guardFeatures: policy.guardFeatures(),
      curve: policy.curve().map(point),
      ladders: policy.ladders().map(({ name, ladder }) => ({ name, ladder: ladder.map(point) })),
      ...(segmentField === undefined ? {} : { segmentField }),
    };
  }

  /** What becomes of rows. The inputs are only looked at if `needsInputs`. Throws an EdgeError that says what the tensors lack. */
  decide(batch: DecisionBatch, rung: number): Decisions {
    return guarded("policy_mismatch", () => this.policy.decide(batch, rung));
  }

  /** Whether a row's inputs have a part in what becomes of it. */
  get needsInputs(): boolean {
    return this.summary.guardFeatures.length > 0 || this.summary.segmentField !== undefined;
  }
}

function guarded<T>(code: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    const payload = (error as { payload?: unknown }).payload;
    throw typeof payload === "string" ? new EdgeError(code, payload) : error;
  }
}

function point({ nAccepted, nWrong, ...rest }: WirePoint): OperatingPoint {
  return { ...rest, nAccepted: Number(nAccepted), ...(nWrong === undefined ? {} : { nWrong: Number(nWrong) }) };
}
