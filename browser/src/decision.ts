/** The policy, decided by the code of the server (`crates/two-phase`), which comes as a component. */

import { Component } from "./component.js";
import { EdgeError, type Reason } from "./answer.js";

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

/** What becomes of a row. */
export interface Decision {
  isAccepted: boolean;
  prediction: string;
  confidence?: number;
  reason: Reason;
  detail: string;
  feature?: string;
  group: string;
}

/** A row that the edge has answered. */
export interface EdgeRow {
  probabilities: Float64Array;
  label?: string;
  features: Float64Array;
  segment?: string;
  /** As JSON: with the client, it tells whether the row is in the sample that watches the promise. */
  key: string;
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
  decide(rows: EdgeRow[], client: string, rung: number): Decision[];
}

interface Decisions {
  Policy: { parse(json: string): WirePolicy };
}

/** What reads policies. Loaded once. */
export class Decider {
  private constructor(private readonly decisions: Decisions) {}

  static async load(): Promise<Decider> {
    const component = await Component.load(new URL("./decision/decision.js", import.meta.url).href);
    return new Decider(await component.instantiate<Decisions>("plinth:two-phase/decisions"));
  }

  /** A policy file, checked, for the model with this digest. Throws an EdgeError that says what is wrong with it. */
  policy(json: string, onnxSha256: string): Policy {
    const policy = guarded("no_policy", () => this.decisions.Policy.parse(json));
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

  /** What becomes of a client's rows. */
  decide(rows: EdgeRow[], client: string, rung: number): Decision[] {
    return this.policy.decide(rows, client, rung);
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
