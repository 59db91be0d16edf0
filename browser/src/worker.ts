/** The Web Worker: answers messages with an `Edge`. One call of `EdgeService` is one message each way. */

import { Edge } from "./edge.js";
import { type Call, type Reply, toWire } from "./remote.js";

const edge = new Edge();

addEventListener("message", async ({ data }: MessageEvent<Call>) => {
  const reply = await answer(data);
  (self as unknown as { postMessage(reply: Reply): void }).postMessage(reply);
});

async function answer({ id, method, parameters }: Call): Promise<Reply> {
  try {
    const call = edge[method] as (...parameters: unknown[]) => Promise<unknown>;
    return { id, value: await call.apply(edge, parameters) };
  } catch (error) {
    return { id, error: toWire(error) };
  }
}
