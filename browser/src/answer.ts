/** What goes in and what comes out: rows, and the answers under their keys. Plain data, no behaviour. */

/** The caller's name for a row: a string, or a whole number that is exact in JavaScript. */
export type Key = string | number;

/** A value of a row: a number, a text, a truth value, or nested lists of them in the input's shape. */
export type Value = number | bigint | string | boolean | ArrayLike<unknown>;

/** A row: its key, and a value for each input of the model. */
export interface Row {
  key: Key;
  [input: string]: Value;
}

/**
 * How far an answer has come: `edge` stands, `cloud` is final by the cloud, `edge-provisional` will have a final answer under the same key,
 * `refused` is the edge's answer that nobody will confirm (`detail` says why).
 */
export type Phase = "edge" | "cloud" | "edge-provisional" | "refused";

/** Why the edge's answer stands or the cloud is asked: as the policy says it. */
export type Reason =
  | "confident"
  | "below-threshold"
  | "out-of-range"
  | "not-a-distribution"
  | "unknown-class"
  | "no-threshold"
  | "suspended"
  | "audit";

/** What a model answered. */
export interface Opinion {
  /** The class, as text. */
  prediction: string;
  /** One for each class, in the policy's order, if the model gives any. */
  probabilities?: number[];
}

/** The answer of a row. */
export interface Answer {
  key: Key;
  prediction: string;
  /** The edge's calibrated confidence; null if its probabilities are no distribution. */
  confidence: number | null;
  phase: Phase;
  reason: Reason;
  /** The policy that decided, by its id. */
  policy: string;
  /** The feature that is out of range. */
  feature?: string;
  /** What stood in the way of a final answer, in a sentence. */
  detail?: string;
  edge: Opinion & { confidence: number | null };
  cloud?: Opinion;
  /** How long each model took, the way to the cloud included. */
  milliseconds: { edge: number; cloud?: number };
}

/** What is wrong with a row or a request. The codes are those of the server. */
export interface Problem {
  error: string;
  code: string;
  row?: number;
}

/** A row that has no answer, and why. */
export interface Failed {
  key: Key;
  error: Problem;
}

/** What is wrong with a call as a whole, or with what the library is given. */
export class EdgeError extends Error {
  constructor(
    /** In one word, such as `policy_mismatch`. */
    readonly code: string,
    message: string,
  ) {
    super(message);
    this.name = "EdgeError";
  }
}

/** The key as JSON: by it, and the client, rows are told apart and sampled. */
export function keyJson(key: Key): string {
  if (typeof key === "string") return JSON.stringify(key);
  if (Number.isSafeInteger(key)) return `${key}`;
  throw new EdgeError("invalid_key", `a key is a string or a whole number up to 2^53, found ${String(key)}`);
}
