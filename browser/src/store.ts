/** Where provisional answers wait, and final ones until somebody has heard them: IndexedDB, or memory where there is none. */

import type { Answer, Row } from "./answer.js";

/** A row that waits for the cloud. */
export interface Waiting {
  /** Client and key, which tell rows apart. */
  id: string;
  client: string;
  row: Row;
  /** What the edge has answered. */
  provisional: Answer;
  /** Since when, in milliseconds of the epoch. */
  since: number;
  /** How long the row is as JSON. */
  bytes: number;
}

/** A final answer that nobody has heard yet. */
export interface Settled {
  id: string;
  answer: Answer;
}

/** What a store holds. */
export interface Usage {
  rows: number;
  bytes: number;
}

/** Why a row has no room beside what is held; undefined if it has. */
export type Refuse = (row: Waiting, held: Usage) => string | undefined;

/** A store. Each call happens as a whole or not at all. */
export interface Store {
  /** Adds rows, but for those whose id waits already or has a final answer that nobody has heard. `refuse` sees what is held and says why a row has no room; that is returned, row by row. */
  add(rows: Waiting[], refuse: Refuse): Promise<(string | undefined)[]>;
  /** The rows that wait longest, at most `n`, without those of these ids. */
  oldest(n: number, except: Set<string>): Promise<Waiting[]>;
  /** Takes rows out, and keeps the answers of those that still waited. */
  settle(settled: Settled[]): Promise<void>;
  /** Takes rows out whose answers have been given, and what else would be told about them. */
  remove(ids: string[]): Promise<void>;
  /** The final answers that are kept. */
  settled(): Promise<Settled[]>;
  /** Forgets final answers that were heard. */
  heard(ids: string[]): Promise<void>;
  usage(): Promise<Usage>;
  close(): void;
}

/** Counts the row among what is held, unless it is refused. */
function takeIn(row: Waiting, held: Usage, refuse: Refuse): string | undefined {
  const refusal = refuse(row, held);
  if (refusal === undefined) {
    held.rows += 1;
    held.bytes += row.bytes;
  }
  return refusal;
}

/** A store that ends with the process. */
export class MemoryStore implements Store {
  private readonly waiting = new Map<string, Waiting>();
  private readonly kept = new Map<string, Settled>();

  async add(rows: Waiting[], refuse: Refuse): Promise<(string | undefined)[]> {
    const held = this.held();
    return rows.map((row) => {
      if (this.waiting.has(row.id) || this.kept.has(row.id)) return undefined;
      const refusal = takeIn(row, held, refuse);
      if (refusal === undefined) this.waiting.set(row.id, row);
      return refusal;
    });
  }

  async oldest(n: number, except: Set<string>): Promise<Waiting[]> {
    return [...this.waiting.values()].filter(({ id }) => !except.has(id)).slice(0, n);
  }

  async settle(settled: Settled[]): Promise<void> {
    for (const it of settled) if (this.waiting.delete(it.id)) this.kept.set(it.id, it);
  }

  async remove(ids: string[]): Promise<void> {
    for (const id of ids) {
      this.waiting.delete(id);
      this.kept.delete(id);
    }
  }

  async settled(): Promise<Settled[]> {
    return [...this.kept.values()];
  }

  async heard(ids: string[]): Promise<void> {
    for (const id of ids) this.kept.delete(id);
  }

  usage(): Promise<Usage> {
    return Promise.resolve(this.held());
  }

  private held(): Usage {
    const rows = [...this.waiting.values()];
    return { rows: rows.length, bytes: rows.reduce((total, { bytes }) => total + bytes, 0) };
  }

  close(): void {}
}

const WAITING = "waiting";
const SETTLED = "settled";
const USAGE = "usage";
const BY_AGE = "by-age";

/** A store that outlives the page, and is shared by all pages of an origin that use its name. */
export class IndexedDbStore implements Store {
  private constructor(private readonly database: IDBDatabase) {}

  static async open(name: string): Promise<IndexedDbStore> {
    const request = indexedDB.open(name, 1);
    request.onupgradeneeded = () => {
      const waiting = request.result.createObjectStore(WAITING, { keyPath: "id" });
      waiting.createIndex(BY_AGE, "since");
      request.result.createObjectStore(SETTLED, { keyPath: "id" });
      request.result.createObjectStore(USAGE);
    };
    return new IndexedDbStore(await done(request));
  }

  async add(rows: Waiting[], refuse: Refuse): Promise<(string | undefined)[]> {
    return this.write(async (store) => {
      const held = await readUsage(store);
      const refusals: (string | undefined)[] = [];
      for (const row of rows) {
        const known = [store(WAITING), store(SETTLED)].map((it) => done(it.getKey(row.id)));
        const isNew = (await Promise.all(known)).every((key) => key === undefined);
        const refusal = isNew ? takeIn(row, held, refuse) : undefined;
        if (isNew && refusal === undefined) store(WAITING).put(row);
        refusals.push(refusal);
      }
      writeUsage(store, held);
      return refusals;
    });
  }

  async oldest(n: number, except: Set<string>): Promise<Waiting[]> {
    const index = this.database.transaction(WAITING).objectStore(WAITING).index(BY_AGE);
    const rows: Waiting[] = await done(index.getAll(null, n + except.size));
    return rows.filter(({ id }) => !except.has(id)).slice(0, n);
  }

  async settle(settled: Settled[]): Promise<void> {
    await this.write(async (store) => {
      for (const it of settled) if (await take(store, it.id)) store(SETTLED).put(it);
    });
  }

  async remove(ids: string[]): Promise<void> {
    await this.write(async (store) => {
      for (const id of ids) {
        await take(store, id);
        store(SETTLED).delete(id);
      }
    });
  }

  async settled(): Promise<Settled[]> {
    return done(this.database.transaction(SETTLED).objectStore(SETTLED).getAll());
  }

  async heard(ids: string[]): Promise<void> {
    await this.write(async (store) => {
      for (const id of ids) store(SETTLED).delete(id);
    });
  }

  async usage(): Promise<Usage> {
    const transaction = this.database.transaction(USAGE);
    return readUsage((name) => transaction.objectStore(name));
  }

  close(): void {
    this.database.close();
  }

  /** One transaction over everything: it is on disk when the promise resolves. */
  private async write<T>(change: (store: Stores) => Promise<T>): Promise<T> {
    const transaction = this.database.transaction([WAITING, SETTLED, USAGE], "readwrite", { durability: "strict" });
    const finished = new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = transaction.onerror = () => reject(transaction.error);
    });
    try {
      const value = await change((name) => transaction.objectStore(name));
      await finished;
      return value;
    } catch (error) {
      finished.catch(() => undefined);
      abort(transaction);
      throw error;
    }
  }
}

/** Undoes what a transaction has done, unless it has ended. */
function abort(transaction: IDBTransaction): void {
  try {
    transaction.abort();
  } catch {
    // It has.
  }
}

type Stores = (name: string) => IDBObjectStore;

async function take(store: Stores, id: string): Promise<boolean> {
  const waiting: Waiting | undefined = await done(store(WAITING).get(id));
  if (waiting === undefined) return false;
  store(WAITING).delete(id);
  const held = await readUsage(store);
  writeUsage(store, { rows: held.rows - 1, bytes: held.bytes - waiting.bytes });
  return true;
}

async function readUsage(store: Stores): Promise<Usage> {
  return (await done(store(USAGE).get(USAGE))) ?? { rows: 0, bytes: 0 };
}

function writeUsage(store: Stores, usage: Usage): void {
  store(USAGE).put(usage, USAGE);
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
