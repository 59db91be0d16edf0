/** The queue of provisional answers: what waits, when the cloud is asked again, and the one final answer of each row. */

import type { Answer } from "./answer.js";
import { type CloudAnswer, Unreachable } from "./cloud.js";
import type { Settled, Store, Usage, Waiting } from "./store.js";

/** How much may wait, how long, and when the cloud is asked again. */
export interface QueueLimits {
  /** 10 000 if nothing is said. */
  maxRows?: number;
  /** A day if nothing is said. An older row is refused: its edge's answer stays unconfirmed. */
  maxAgeMs?: number;
  /** Of rows as JSON; 16 MiB if nothing is said. */
  maxBytes?: number;
  /** The first wait before the cloud is asked again, doubled each time; a second if nothing is said. */
  baseDelayMs?: number;
  /** The longest wait; a minute if nothing is said. */
  maxDelayMs?: number;
  /** Rows of one replayed request; 256 if nothing is said. */
  batchRows?: number;
}

const DEFAULTS: Required<QueueLimits> = {
  maxRows: 10_000,
  maxAgeMs: 24 * 60 * 60 * 1000,
  maxBytes: 16 * 2 ** 20,
  baseDelayMs: 1000,
  maxDelayMs: 60_000,
  batchRows: 256,
};

/** A longer timer would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Says in the console what a listener threw; in a page `onerror` hears of it. */
function report(error: unknown): void {
  if (typeof reportError === "function") reportError(error);
  else console.error(error);
}

/** What a queue works with. */
export interface QueueParts {
  /** Rows of one client to the cloud; throws `Unreachable`. */
  ask(rows: Waiting["row"][], client: string): Promise<Map<string, CloudAnswer>>;
  /** Whether there is any point in asking. */
  isOnline(): boolean;
  /** Something has changed. */
  onChange(): void;
  now(): number;
  /** From 0 to 1, for the jitter. */
  random(): number;
}

/** The wait before attempt `attempt`, counted from 0: full jitter below a bound that doubles. */
export function backoffMs(attempt: number, limits: { baseDelayMs: number; maxDelayMs: number }, random: number): number {
  return random * Math.min(limits.maxDelayMs, limits.baseDelayMs * 2 ** Math.min(attempt, 30));
}

/** Client and key, as one text. */
export function rowId(client: string, keyJson: string): string {
  return `${JSON.stringify(client)} ${keyJson}`;
}

type Listener = (answer: Answer) => void;

/** A queue over a store. */
export class Queue {
  private readonly limits: Required<QueueLimits>;
  private readonly listeners = new Set<Listener>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private attempt = 0;
  /** No attempt is made earlier by itself. */
  private notBefore = 0;
  private draining: Promise<void> | undefined;
  private isClosed = false;
  /** To other pages with the same store; each hears every final answer. */
  private readonly channel: BroadcastChannel | undefined;

  constructor(
    private readonly name: string,
    private readonly store: Store,
    private readonly parts: QueueParts,
    limits: QueueLimits,
    isShared: boolean,
  ) {
    this.limits = { ...DEFAULTS, ...limits };
    if (isShared && typeof BroadcastChannel !== "undefined") {
      this.channel = new BroadcastChannel(name);
      this.channel.onmessage = ({ data }: MessageEvent<Answer>) => {
        this.tell(data);
        this.parts.onChange();
      };
    }
  }

  /** Keeps rows for later. What is returned says, row by row, why one cannot be kept. */
  async add(rows: Waiting[]): Promise<(string | undefined)[]> {
    const refusals = await this.store.add(rows, (row, held) => this.refuse(row, held)).catch((error: Error) => {
      return rows.map(() => `the queue cannot keep the row: ${error.message}`);
    });
    this.schedule();
    this.parts.onChange();
    return refusals;
  }

  private refuse(row: Waiting, held: Usage): string | undefined {
    const { maxRows, maxBytes } = this.limits;
    if (held.rows >= maxRows) return `the queue is full: ${held.rows} rows wait, at most ${maxRows} may`;
    const bytes = held.bytes + row.bytes;
    return bytes > maxBytes ? `the queue is full: with this row it had ${bytes} bytes, at most ${maxBytes} may wait` : undefined;
  }

  /** The cloud is not to be asked within this time, unless somebody wants it now. */
  postpone(milliseconds: number): void {
    this.notBefore = Math.max(this.notBefore, this.parts.now() + milliseconds);
  }

  /** The rows' final answers have been given: nothing waits any more. */
  async remove(ids: string[]): Promise<void> {
    await this.store.remove(ids);
  }

  /** How many rows wait. */
  async pending(): Promise<number> {
    return (await this.store.usage()).rows;
  }

  /** Calls `listener` for each final answer from now on, and for those that nobody has heard. Returns what ends it. */
  listen(listener: Listener): () => void {
    this.listeners.add(listener);
    this.drain().catch(() => this.schedule());
    return () => void this.listeners.delete(listener);
  }

  /** Asks the cloud for all that waits; resolves when nothing waits or the cloud is away. */
  drain(): Promise<void> {
    this.draining ??= this.exclusively(() => this.replay()).finally(() => (this.draining = undefined));
    return this.draining;
  }

  /** The network is back: asks soon, but not all clients at the same moment. */
  wake(): void {
    this.attempt = 0;
    clearTimeout(this.timer);
    this.timer = undefined;
    this.schedule();
  }

  async close(): Promise<void> {
    this.isClosed = true;
    clearTimeout(this.timer);
    await this.draining;
    this.channel?.close();
    this.store.close();
  }

  /** Only one page of an origin replays a queue at a time. */
  private exclusively(task: () => Promise<void>): Promise<void> {
    const locks = this.channel === undefined ? undefined : globalThis.navigator?.locks;
    return locks === undefined ? task() : locks.request(this.name, task);
  }

  /** Asks for each row once. Those that the cloud has left out are asked again later, and do not stand before the others. */
  private async replay(): Promise<void> {
    const leftOut = new Set<string>();
    let isMore = true;
    while (isMore && !this.isClosed) {
      const batch = await this.store.oldest(this.limits.batchRows, leftOut);
      isMore = batch.length > 0 && (await this.replayBatch(batch, leftOut));
    }
    if (this.isClosed) return;
    await this.deliver();
    if ((await this.pending()) > 0) this.schedule();
    else this.attempt = 0;
  }

  /** Whether it is worth while to go on. Rows without an answer are added to `leftOut`. */
  private async replayBatch(batch: Waiting[], leftOut: Set<string>): Promise<boolean> {
    const { maxAgeMs } = this.limits;
    const [expired, fresh] = partition(batch, ({ since }) => this.parts.now() - since > maxAgeMs);
    await this.settle(expired.map((it) => refused(it, `no answer of the cloud within ${maxAgeMs} ms`)));
    if (fresh.length === 0) return true;
    if (!this.parts.isOnline()) return false;
    try {
      const asked = await Promise.all([...byClient(fresh)].map(([client, rows]) => this.ask(client, rows)));
      const settled = asked.flat();
      await this.settle(settled);
      if (settled.length > 0) this.attempt = 0;
      for (const { id } of fresh) leftOut.add(id);
      for (const { id } of settled) leftOut.delete(id);
      return true;
    } catch (error) {
      if (error instanceof Unreachable) return false;
      throw error;
    }
  }

  private async ask(client: string, rows: Waiting[]): Promise<Settled[]> {
    const asked = this.parts.now();
    const answers = await this.parts.ask(rows.map(({ row }) => row), client);
    const milliseconds = this.parts.now() - asked;
    return rows.flatMap((it) => {
      const answer = answers.get(JSON.stringify(it.row.key));
      return answer === undefined ? [] : [{ id: it.id, answer: finish(it.provisional, answer, milliseconds) }];
    });
  }

  private async settle(settled: Settled[]): Promise<void> {
    if (settled.length === 0) return;
    await this.store.settle(settled);
    await this.deliver();
    this.parts.onChange();
  }

  /** Tells final answers, and forgets them once somebody has heard. */
  private async deliver(): Promise<void> {
    if (this.listeners.size === 0) return;
    const settled = await this.store.settled();
    for (const { answer } of settled) {
      this.tell(answer);
      this.channel?.postMessage(answer);
    }
    if (settled.length > 0) await this.store.heard(settled.map(({ id }) => id));
  }

  private tell(answer: Answer): void {
    for (const listener of this.listeners) {
      try {
        listener(answer);
      } catch (error) {
        // It is the listener's, and no reason not to tell the others.
        report(error);
      }
    }
  }

  private schedule(): void {
    if (this.timer !== undefined || this.isClosed) return;
    const wait = Math.max(0, this.notBefore - this.parts.now());
    const delay = wait + backoffMs(this.attempt++, this.limits, this.parts.random());
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.drain().catch(() => this.schedule());
    }, Math.min(delay, LONGEST_TIMER_MS));
  }
}

/** The final answer of a row that the cloud has answered. */
export function finish(provisional: Answer, answer: CloudAnswer, milliseconds: number): Answer {
  const { detail: _, ...rest } = provisional;
  if ("problem" in answer) return { ...rest, phase: "refused", detail: `the cloud refuses the row: ${answer.problem.error}` };
  const timed = { edge: rest.milliseconds.edge, cloud: milliseconds };
  return { ...rest, prediction: answer.prediction, phase: "cloud", cloud: answer, milliseconds: timed };
}

function refused({ id, provisional }: Waiting, detail: string): Settled {
  return { id, answer: { ...provisional, phase: "refused", detail } };
}

function partition<T>(items: T[], isFirst: (item: T) => boolean): [T[], T[]] {
  return [items.filter(isFirst), items.filter((item) => !isFirst(item))];
}

function byClient(rows: Waiting[]): Map<string, Waiting[]> {
  const clients = new Map<string, Waiting[]>();
  for (const row of rows) clients.set(row.client, [...(clients.get(row.client) ?? []), row]);
  return clients;
}
