/** Two-Phase Predictions: the edge answers in the page, the cloud is asked when it must be, and what could not be asked is asked later. */

import { type Answer, EdgeError, type Failed, type Problem, type Row, keyJson } from "./answer.js";
import { type EdgeAnswers, answerOf, edgeAnswers } from "./answers.js";
import { Cloud, type CloudAnswer, type CloudOptions, Unreachable, rowsJson } from "./cloud.js";
import type { PolicySummary } from "./decision.js";
import { Edge, type EdgeService, type Loaded } from "./edge.js";
import { Queue, type QueueLimits, finish, rowId } from "./queue.js";
import { RemoteEdge } from "./remote.js";
import { encodeRows } from "./rows.js";
import { IndexedDbStore, MemoryStore, type Store, type Waiting } from "./store.js";
import type { TensorSpec } from "./tensor.js";

/** What `TwoPhase.load` needs. */
export interface Options {
  /** The module that `plinth-edge transpile` wrote. */
  model: string | URL;
  /** The policy: its address, its JSON as text, or the parsed JSON. */
  policy: string | URL | object;
  /** The cloud: the address of `…/v1/models/{model}:predict` or `…/edge-check/{model}`. */
  cloud: string | URL | CloudOptions;
  /** Whose keys the keys are. */
  client?: string;
  /** How often the monitor has stepped up the policy's ladder; 0 if nothing is said. */
  rung?: number;
  /** Limits of the queue, and the name that pages share it by. */
  queue?: QueueLimits & { name?: string };
  /** Whether the model runs in a Web Worker; it does where there are any. */
  worker?: boolean;
}

/** How the cloud is doing, and how many rows wait for it. */
export interface State {
  cloud: "reachable" | "unreachable" | "offline";
  pending: number;
}

/** An edge model, its policy, its cloud and its queue. */
export class TwoPhase {
  /** How often the monitor has stepped up the policy's ladder. */
  rung: number;
  private isReachable = true;
  private isSwitchedOff = false;
  private isClosed = false;
  private readonly states = new Set<(state: State) => void>();
  private readonly queue: Queue;
  private readonly cloud: Cloud;
  private readonly client: string;
  private readonly inputs: TensorSpec[];
  private summary: PolicySummary;

  private constructor(
    private readonly edge: EdgeService,
    { policy, inputs }: Loaded,
    store: Store,
    options: Options,
  ) {
    this.summary = policy;
    this.inputs = inputs;
    this.client = options.client ?? "";
    this.rung = options.rung ?? 0;
    this.cloud = new Cloud(cloudOptions(options.cloud), () => this.summary);
    const parts = {
      ask: (rows: Row[], client: string) => this.ask(rows, client),
      isOnline: () => this.isOnline(),
      onChange: () => void this.announce(),
      now: Date.now,
      random: Math.random,
    };
    const isShared = store instanceof IndexedDbStore;
    this.queue = new Queue(queueName(options, policy), store, parts, options.queue ?? {}, isShared);
    globalThis.addEventListener?.("online", this.onOnline);
    globalThis.addEventListener?.("offline", this.onOffline);
  }

  /** Loads model and policy. Throws an EdgeError if the policy is none, or is for another model. */
  static async load(options: Options): Promise<TwoPhase> {
    const edge = (options.worker ?? true) && typeof Worker !== "undefined" ? new RemoteEdge() : new Edge();
    try {
      const parts = await edge.load(absolute(options.model), await policyJson(options.policy));
      const name = queueName(options, parts.policy);
      const store = await openStore(name);
      const loaded = new TwoPhase(edge, parts, store, options);
      if ((await loaded.queue.pending()) > 0) loaded.queue.wake();
      return loaded;
    } catch (error) {
      if (edge instanceof RemoteEdge) edge.terminate();
      throw error;
    }
  }

  /** What the policy says. */
  get policy(): PolicySummary {
    return this.summary;
  }

  /** Decides by another policy from now on. */
  async usePolicy(policy: Options["policy"]): Promise<PolicySummary> {
    this.summary = await this.edge.usePolicy(await policyJson(policy));
    return this.summary;
  }

  /**
   * The answers of rows, each with a key of its own, in the order of the rows. A row that the edge cannot read has an error in its place.
   *
   * Answers of phase `edge-provisional` come again as final ones: see `onFinal` and `finals`.
   */
  async predict(rows: Row[]): Promise<(Answer | Failed)[]> {
    const keys = distinctKeys(rows);
    const answered = await this.answer(rows, keys);
    const answers = rows.map((row, idx) => answerOf(row, answered, idx));
    const escalated = answered.rows.flatMap((it, idx) => ("problem" in it || it.isAccepted ? [] : [idx]));
    if (escalated.length === 0) return answers;
    const final = await this.escalate(escalated.map((idx) => rows[idx] as Row), escalated.map((idx) => answers[idx] as Answer));
    for (const idx of escalated) answers[idx] = final.get(keys[idx] as string) ?? (answers[idx] as Answer);
    return answers;
  }

  /** What the edge says of rows and whether that would stand. Nothing is sent, nothing is kept. */
  async decide(rows: Row[]): Promise<EdgeAnswers> {
    return this.answer(rows, rows.map(({ key }) => keyJson(key)));
  }

  /** What the edge says of rows with these keys. */
  private async answer(rows: Row[], keys: string[]): Promise<EdgeAnswers> {
    const { batch, problems } = encodeRows(this.inputs, rows, keys);
    if (batch.nRows === 0) return { rows: rows.map((_, idx) => ({ problem: problems.get(idx) as Problem })), milliseconds: 0, policy: this.summary.id };
    return edgeAnswers(await this.edge.answer(batch, this.client, this.rung), rows.length, problems);
  }

  /** The model alone, on tensors. */
  infer(...[inputs, outputs = []]: [Parameters<EdgeService["infer"]>[0], string[]?]): ReturnType<EdgeService["infer"]> {
    return this.edge.infer(inputs, outputs);
  }

  /** Calls `listener` with each answer that becomes final after it was provisional. Returns what ends it. */
  onFinal(listener: (answer: Answer) => void): () => void {
    return this.queue.listen(listener);
  }

  /** The answers that become final after they were provisional, for `for await`. */
  async *finals(): AsyncGenerator<Answer, void, void> {
    const heard: Answer[] = [];
    let wake = () => {};
    const end = this.queue.listen((answer) => {
      heard.push(answer);
      wake();
    });
    try {
      for (;;) {
        const next = heard.shift();
        if (next === undefined) await new Promise<void>((resolve) => (wake = resolve));
        else yield next;
      }
    } finally {
      end();
    }
  }

  /** Calls `listener` whenever the cloud or the number of waiting rows has changed. Returns what ends it. */
  onState(listener: (state: State) => void): () => void {
    this.states.add(listener);
    void this.announce();
    return () => void this.states.delete(listener);
  }

  /** Behaves as without a network, or no longer. */
  setOffline(isOffline: boolean): void {
    this.isSwitchedOff = isOffline;
    if (!isOffline) this.queue.wake();
    void this.announce();
  }

  /** How many rows wait for the cloud. */
  pending(): Promise<number> {
    return this.queue.pending();
  }

  /** Asks the cloud now for all that waits; resolves when nothing waits or the cloud is away. */
  drain(): Promise<void> {
    return this.queue.drain();
  }

  /** Ends the worker and the queue. What waits is kept where it can be. */
  async close(): Promise<void> {
    globalThis.removeEventListener?.("online", this.onOnline);
    globalThis.removeEventListener?.("offline", this.onOffline);
    this.isClosed = true;
    await this.queue.close();
    if (this.edge instanceof RemoteEdge) this.edge.terminate();
  }

  private readonly onOnline = () => {
    this.queue.wake();
    void this.announce();
  };

  private readonly onOffline = () => void this.announce();

  private isOnline(): boolean {
    return !this.isSwitchedOff && globalThis.navigator?.onLine !== false;
  }

  private async ask(rows: Row[], client: string): Promise<Map<string, CloudAnswer>> {
    const wasReachable = this.isReachable;
    try {
      const answers = await this.cloud.ask(rows, client);
      this.isReachable = true;
      return answers;
    } catch (error) {
      if (error instanceof Unreachable) {
        this.isReachable = false;
        this.queue.postpone(error.retryAfterMs);
      }
      throw error;
    } finally {
      if (wasReachable !== this.isReachable) void this.announce();
    }
  }

  /** What the cloud said, and why it said no more. */
  private async askOnce(rows: Row[]): Promise<{ said: Map<string, CloudAnswer>; reason: string }> {
    if (!this.isOnline()) return { said: new Map(), reason: "the cloud cannot be reached: offline" };
    try {
      return { said: await this.ask(rows, this.client), reason: "the cloud did not answer the row" };
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error;
      return { said: new Map(), reason: error.message };
    }
  }

  /** What becomes of rows whose edge's answers do not stand, by their keys as JSON. */
  private async escalate(rows: Row[], answers: Answer[]): Promise<Map<string, Answer>> {
    const final = new Map<string, Answer>();
    if (rows.length === 0) return final;
    const asked = performance.now();
    const { said, reason } = await this.askOnce(rows);
    const milliseconds = performance.now() - asked;
    const waiting: Waiting[] = [];
    rows.forEach((row, idx) => {
      const answer = answers[idx] as Answer;
      const cloud = said.get(keyJson(row.key));
      if (cloud !== undefined) final.set(keyJson(row.key), finish(answer, cloud, milliseconds));
      else waiting.push(this.waiting(row, { ...answer, phase: "edge-provisional", detail: reason }));
    });
    if (final.size > 0) await this.queue.remove([...final.keys()].map((key) => rowId(this.client, key)));
    const refusals = waiting.length > 0 ? await this.queue.add(waiting) : [];
    waiting.forEach(({ row, provisional }, idx) => {
      const detail = refusals[idx];
      final.set(keyJson(row.key), detail === undefined ? provisional : { ...provisional, phase: "refused", detail });
    });
    return final;
  }

  private waiting(row: Row, provisional: Answer): Waiting {
    const id = rowId(this.client, keyJson(row.key));
    return { id, client: this.client, row, provisional, since: Date.now(), bytes: rowsJson(row).length };
  }

  private async announce(): Promise<void> {
    if (this.states.size === 0 || this.isClosed) return;
    const cloud = !this.isOnline() ? "offline" : this.isReachable ? "reachable" : "unreachable";
    const pending = await this.queue.pending().catch(() => 0);
    if (this.isClosed) return;
    const state: State = { cloud, pending };
    for (const listener of this.states) listener(state);
  }
}

/** The keys as JSON. Refuses rows without a key, and keys that come twice. */
function distinctKeys(rows: Row[]): string[] {
  const seen = new Map<string, number>();
  return rows.map((row, idx) => {
    if (row.key === undefined) throw new EdgeError("missing_key", `row \`${idx}\` has no key`);
    const key = keyJson(row.key);
    const other = seen.get(key);
    if (other !== undefined) throw new EdgeError("duplicate_key", `rows \`${other}\` and \`${idx}\` have the key ${key}`);
    seen.set(key, idx);
    return key;
  });
}

/** A browser may have IndexedDB and refuse it, as some do in private windows. */
async function openStore(name: string): Promise<Store> {
  if (typeof indexedDB === "undefined") return new MemoryStore();
  return IndexedDbStore.open(name).catch(() => new MemoryStore());
}

function queueName({ queue, client = "" }: Options, { edge }: PolicySummary): string {
  return queue?.name ?? `plinth-edge ${edge.name} ${client}`.trim();
}

function cloudOptions(cloud: Options["cloud"]): CloudOptions {
  if (typeof cloud === "string" || cloud instanceof URL) return { url: absolute(cloud) };
  return { ...cloud, url: absolute(cloud.url) };
}

/** An address, seen from the page. */
function absolute(address: string | URL): string {
  const base = globalThis.document?.baseURI ?? globalThis.location?.href;
  return new URL(address, base).href;
}

async function policyJson(policy: Options["policy"]): Promise<string> {
  if (typeof policy === "object" && !(policy instanceof URL)) return JSON.stringify(policy);
  if (typeof policy === "string" && policy.trimStart().startsWith("{")) return policy;
  const url = new URL(absolute(policy));
  if (url.protocol === "file:") {
    const { readFile } = await import(/* @vite-ignore */ "node:fs/promises");
    return readFile(url, "utf8");
  }
  const response = await fetch(url);
  if (!response.ok) throw new EdgeError("no_policy", `cannot fetch the policy ${url}: ${response.status}`);
  return response.text();
}
