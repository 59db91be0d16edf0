/** The cloud: one request for all rows of a call, answers matched by key. Knows no queue; who is told `unreachable` asks again later. */

import { type Key, type Opinion, type Problem, type Row, keyJson } from "./answer.js";
import type { PolicySummary } from "./decision.js";

/** Where the cloud is and how long it is waited for. */
export interface CloudOptions {
  /** A `…/v1/models/{model}:predict`, or a `…/edge-check/{model}`. */
  url: string;
  /** Further headers, such as `authorization`. */
  headers?: Record<string, string>;
  /** The whole time that a call may take; 2000 if nothing is said. */
  timeoutMs?: number;
  /** When a second attempt is made beside the first; 500 if nothing is said. */
  hedgeMs?: number;
}

/** What the cloud said of a row. */
export type CloudAnswer = Opinion | { problem: Problem };

/** The cloud cannot be reached, and is not to be asked before `retryAfterMs` are over. */
export class Unreachable extends Error {
  constructor(reason: string, readonly retryAfterMs: number) {
    super(`the cloud cannot be reached: ${reason}`);
    this.name = "Unreachable";
  }
}

/** The header by which a server says that its own cloud is gone, and a client that it knows. */
export const CLOUD_HEADER = "plinth-cloud";

/** If no time is named, the queue's own waits are enough. */
const NO_TIME_NAMED_MS = 0;

/** Statuses after which another replica may do better. */
const RETRIED = [502, 503, 504];

/** A response, read to its end. */
interface Attempt {
  response: Response;
  text: string;
}

interface Prediction extends Record<string, unknown> {
  key?: Key;
  error?: Problem;
}

/** A cloud model behind HTTP. */
export class Cloud {
  /** Until when a server has said that its cloud is gone. */
  private suspendedUntil = 0;

  constructor(
    private readonly options: CloudOptions,
    private readonly policy: () => PolicySummary,
  ) {}

  /** Asks for all rows at once. The answers are by key, as JSON; a row that has none was not answered. Throws `Unreachable`. */
  async ask(rows: Row[], client: string): Promise<Map<string, CloudAnswer>> {
    const { response, text } = await this.hedged(requestBody(rows, client));
    const retryAfterMs = retryAfter(response);
    if (response.headers.get(CLOUD_HEADER)?.startsWith("unreachable")) this.suspendedUntil = Date.now() + retryAfterMs;
    if (!response.ok) throw new Unreachable(`${response.status} ${text.slice(0, 200)}`, retryAfterMs);
    return this.read(text, retryAfterMs);
  }

  /** The first good response of at most two attempts: the second begins after a while, or at once when the first has failed. */
  private async hedged(body: string): Promise<Attempt> {
    const { timeoutMs = 2000, hedgeMs = 500 } = this.options;
    const abort = new AbortController();
    const deadline = setTimeout(() => abort.abort(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    let hedge = () => {};
    const second = new Promise<void>((resolve) => (hedge = resolve));
    const timer = setTimeout(hedge, hedgeMs);
    const first = this.attempt(body, abort.signal).catch((error) => {
      hedge();
      throw error;
    });
    try {
      return await Promise.any([first, second.then(() => this.attempt(body, abort.signal))]);
    } catch (error) {
      const [reason] = (error as AggregateError).errors;
      throw reason instanceof Unreachable ? reason : new Unreachable(messageOf(reason), NO_TIME_NAMED_MS);
    } finally {
      clearTimeout(deadline);
      clearTimeout(timer);
      abort.abort();
    }
  }

  private async attempt(body: string, signal: AbortSignal): Promise<Attempt> {
    const remembered = Math.ceil((this.suspendedUntil - Date.now()) / 1000);
    const suspended = remembered > 0 ? { [CLOUD_HEADER]: `unreachable; retry-after=${remembered}` } : {};
    const headers = { "content-type": "application/json", ...this.options.headers, ...suspended };
    const response = await fetch(this.options.url, { method: "POST", headers, body, signal });
    if (RETRIED.includes(response.status)) throw new Unreachable(String(response.status), retryAfter(response));
    return { response, text: await response.text() };
  }

  /** Reads the answer. What is none comes from something between here and the cloud, such as a network's log-in page. */
  private read(text: string, retryAfterMs: number): Map<string, CloudAnswer> {
    try {
      return this.answers(JSON.parse(text));
    } catch (error) {
      throw new Unreachable(`its answer cannot be read: ${messageOf(error)}`, retryAfterMs);
    }
  }

  /** `predictions` of a model, or `answers` of `edge-check`. */
  private answers(body: { predictions?: Prediction[]; answers?: Prediction[] }): Map<string, CloudAnswer> {
    const entries = body.predictions ?? body.answers ?? [];
    const answers = new Map<string, CloudAnswer>();
    for (const entry of entries) {
      const answer = body.predictions ? this.opinion(entry) : finalOpinion(entry);
      if (entry.key !== undefined && answer !== undefined) answers.set(keyJson(entry.key), answer);
    }
    return answers;
  }

  private opinion(entry: Prediction): CloudAnswer {
    if (entry.error !== undefined) return { problem: entry.error };
    const { cloud, classes } = this.policy();
    const found = entry[cloud.probabilities ?? "probabilities"];
    const probabilities = Array.isArray(found) ? found.map(Number) : undefined;
    const label = entry[cloud.label ?? "label"];
    const likeliest = probabilities && classes[probabilities.indexOf(Math.max(...probabilities))];
    const prediction = label === undefined ? likeliest : String(label);
    if (prediction === undefined) {
      const names = Object.keys(entry).filter((name) => name !== "key");
      return { problem: { error: `expected a label or probabilities, found ${names.join(", ")}`, code: "cloud_answer" } };
    }
    return { prediction, ...(probabilities && { probabilities }) };
  }
}

/** A final answer of `edge-check`; undefined if it is provisional there too. */
function finalOpinion(entry: Prediction): CloudAnswer | undefined {
  if (entry.error !== undefined) return { problem: entry.error };
  const { prediction, probabilities } = (entry.cloud ?? entry) as Partial<Opinion>;
  if (entry.phase === "edge-provisional" || prediction === undefined) return undefined;
  return { prediction, ...(probabilities && { probabilities }) };
}

function requestBody(rows: Row[], client: string): string {
  return rowsJson({ instances: rows, on_row_error: "report", ...(client === "" ? {} : { client }) });
}

/** Stands before the digits of a number until it is written; no text of a caller has it. */
const WHOLE_NUMBER = `${crypto.randomUUID()} `;
const WHOLE_NUMBERS = new RegExp(`"${WHOLE_NUMBER}(-?\\d+)"`, "g");

/** JSON in which typed arrays are lists, and whole numbers of 64 bits are all of their digits. */
export function rowsJson(value: unknown): string {
  let hasWholeNumbers = false;
  const json = JSON.stringify(value, (_, it) => {
    if (ArrayBuffer.isView(it)) return Array.from(it as Float32Array);
    if (typeof it !== "bigint") return it;
    hasWholeNumbers = true;
    return `${WHOLE_NUMBER}${it}`;
  });
  return hasWholeNumbers ? json.replaceAll(WHOLE_NUMBERS, "$1") : json;
}

/** How long to wait, by the response's headers. A date is not understood. */
function retryAfter(response: Response): number {
  const ofCloud = /retry-after=(\d+)/.exec(response.headers.get(CLOUD_HEADER) ?? "")?.[1];
  const seconds = Number(ofCloud ?? response.headers.get("retry-after") ?? Number.NaN);
  return Number.isFinite(seconds) ? seconds * 1000 : NO_TIME_NAMED_MS;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
