/** The Web Worker: answers messages with an `Edge`. One call of `EdgeService` is one message each way. */

import { Edge, type Outcome } from "./edge.js";
import { type Call, type Reply, type WireOutcome, handedOver, toWire } from "./remote.js";

/** The worker's own end, which the types of a page do not know. */
const page = self as unknown as { postMessage(reply: Reply, transfer: ArrayBuffer[]): void };
const edge = new Edge();

addEventListener("message", async ({ data: { id, method, parameters } }: MessageEvent<Call>) => {
  try {
    const call = edge[method] as (...parameters: unknown[]) => Promise<unknown>;
    const value = await call.apply(edge, parameters);
    if (method === "answer") sendOutcome(id, value as Outcome);
    else page.postMessage({ id, value }, []);
  } catch (error) {
    page.postMessage({ id, error: toWire(error) }, []);
  }
});

function sendOutcome(id: number, { policy: _, ...value }: Outcome): void {
  const { verdictOfRow, labelOfRow, confidenceOfRow } = value.decisions;
  const arrays = [verdictOfRow, labelOfRow, confidenceOfRow, value.probabilities?.data];
  page.postMessage({ id, value: value satisfies WireOutcome }, handedOver(arrays));
}
