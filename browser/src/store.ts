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

/** A store. Each call happens as a whole or not at all. */
export interface Store {
  /** Adds a row unless one with its id waits. `refuse` sees what is held and says why there is no room; that is returned. */
  add(waiting: Waiting, refuse: (held: Usage) => string | undefined): Promise<string | undefined>;
  /** The rows that wait longest, at most `n`. */
  oldest(n: number): Promise<Waiting[]>;
  /** Takes rows out, and keeps the answers of those that still waited. */
  settle(settled: Settled[]): Promise<void>;
  /** Takes a row out whose answer has been given. */
  remove(id: string): Promise<void>;
  /** The final answers that are kept. */
  settled(): Promise<Settled[]>;
  /** Forgets a final answer that was heard. */
  heard(id: string): Promise<void>;
  usage(): Promise<Usage>;
  close(): void;
}

/** A store that ends with the process. */
export class MemoryStore implements Store {
  private readonly waiting = new Map<string, Waiting>();
  private readonly kept = new Map<string, Settled>();

  async add(waiting: Waiting, refuse: (held: Usage) => string | undefined): Promise<string | undefined> {
    if (this.waiting.has(waiting.id)) return undefined;
    const refusal = refuse(await this.usage());
    if (refusal === undefined) this.waiting.set(waiting.id, waiting);
    return refusal;
  }

  async oldest(n: number): Promise<Waiting[]> {
    return [...this.waiting.values()].slice(0, n);
  }

  async settle(settled: Settled[]): Promise<void> {
    for (const it of settled) if (this.waiting.delete(it.id)) this.kept.set(it.id, it);
  }

  async remove(id: string): Promise<void> {
    this.waiting.delete(id);
  }

  async settled(): Promise<Settled[]> {
    return [...this.kept.values()];
  }

  async heard(id: string): Promise<void> {
    this.kept.delete(id);
  }

  async usage(): Promise<Usage> {
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

  async add(waiting: Waiting, refuse: (held: Usage) => string | undefined): Promise<string | undefined> {
    return this.write(async (store) => {
      if ((await done(store(WAITING).getKey(waiting.id))) !== undefined) return undefined;
      const held = await readUsage(store);
      const refusal = refuse(held);
      if (refusal !== undefined) return refusal;
      store(WAITING).put(waiting);
      writeUsage(store, { rows: held.rows + 1, bytes: held.bytes + waiting.bytes });
      return undefined;
    });
  }

  async oldest(n: number): Promise<Waiting[]> {
    const index = this.database.transaction(WAITING).objectStore(WAITING).index(BY_AGE);
    return done(index.getAll(null, n));
  }

  async settle(settled: Settled[]): Promise<void> {
    await this.write(async (store) => {
      for (const it of settled) if (await take(store, it.id)) store(SETTLED).put(it);
    });
  }

  async remove(id: string): Promise<void> {
    await this.write((store) => take(store, id));
  }

  async settled(): Promise<Settled[]> {
    return done(this.database.transaction(SETTLED).objectStore(SETTLED).getAll());
  }

  async heard(id: string): Promise<void> {
    await this.write(async (store) => void store(SETTLED).delete(id));
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
    const value = await change((name) => transaction.objectStore(name));
    await finished;
    return value;
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
