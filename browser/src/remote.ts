/** The edge in a Web Worker, seen from the page; and what goes between the two. */

import { EdgeError } from "./answer.js";
import type { PolicySummary } from "./decision.js";
import type { EdgeService, Loaded, Outcome } from "./edge.js";
import type { Batch } from "./rows.js";
import type { Tensor } from "./tensor.js";

/** A call, as a message. */
export interface Call {
  id: number;
  method: keyof EdgeService;
  parameters: unknown[];
}

/** An error, as a message. */
export interface WireError {
  code: string;
  message: string;
}

/** What comes back. */
export interface Reply {
  id: number;
  value?: unknown;
  error?: WireError;
}

/** An outcome, as a message: the page knows the policy. */
export type WireOutcome = Omit<Outcome, "policy">;

interface Waiting {
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** Buffers from so many bytes on are handed over; copying fewer is cheaper. */
const WORTH_HANDING_OVER = 2 ** 14;

/** The buffers that are worth handing over. Whoever had them has them no longer. */
export function handedOver(arrays: (ArrayBufferView | undefined)[]): ArrayBuffer[] {
  const buffers = arrays.map((it) => it?.buffer).filter((it) => it instanceof ArrayBuffer);
  return buffers.filter(({ byteLength }) => byteLength >= WORTH_HANDING_OVER);
}

/** An error as a message: classes do not survive the way. */
export function toWire(error: unknown): WireError {
  if (error instanceof EdgeError) return { code: error.code, message: error.message };
  return { code: "edge_failed", message: error instanceof Error ? error.message : String(error) };
}

/** The service, in a worker of its own. */
export class RemoteEdge implements EdgeService {
  private readonly waiting = new Map<number, Waiting>();
  private nCalls = 0;
  private readonly worker: Worker;
  private policy: PolicySummary | undefined;

  constructor() {
    this.worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
    this.worker.addEventListener("message", ({ data }: MessageEvent<Reply>) => this.settle(data));
    this.worker.addEventListener("error", (event) => this.fail(event.message || "the worker could not be started"));
  }

  async load(model: string, policy: string): Promise<Loaded> {
    const loaded = await this.call<Loaded>("load", [model, policy]);
    this.policy = loaded.policy;
    return loaded;
  }

  async usePolicy(policy: string): Promise<PolicySummary> {
    return (this.policy = await this.call<PolicySummary>("usePolicy", [policy]));
  }

  async answer(batch: Batch, client: string, rung: number): Promise<Outcome> {
    const buffers = handedOver(batch.inputs.map(({ data }) => data));
    const outcome = await this.call<WireOutcome>("answer", [batch, client, rung], buffers);
    // Messages keep their order: this is the policy that the worker had.
    return { ...outcome, policy: this.policy as PolicySummary };
  }

  infer(inputs: Tensor[], outputs: string[]): Promise<Tensor[]> {
    return this.call("infer", [inputs, outputs]);
  }

  /** Ends the worker; calls that wait fail. */
  terminate(): void {
    this.worker.terminate();
    this.fail("the edge was closed");
  }

  private call<T>(method: keyof EdgeService, parameters: unknown[], transfer: ArrayBuffer[] = []): Promise<T> {
    const id = this.nCalls++;
    return new Promise<T>((resolve, reject) => {
      this.waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.worker.postMessage({ id, method, parameters } satisfies Call, transfer);
    });
  }

  private settle({ id, value, error }: Reply): void {
    const waiting = this.waiting.get(id);
    this.waiting.delete(id);
    if (error === undefined) waiting?.resolve(value);
    else waiting?.reject(new EdgeError(error.code, error.message));
  }

  private fail(reason: string): void {
    for (const { reject } of this.waiting.values()) reject(new EdgeError("worker_failed", reason));
    this.waiting.clear();
  }
}
