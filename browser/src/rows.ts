/** Rows to the tensors of a model: all rows of an input in one array. The bytes are those that the server would make of the same JSON. */

import { EdgeError, type Problem, type Row, keyJson } from "./answer.js";
import { type Tensor, type TensorSpec, Unfit, codec, finite32, number, text } from "./tensor.js";

/** The rows of a call that can be read, as tensors. All of it can be handed over to a worker. */
export interface Batch {
  /** In the order of the model's inputs. */
  inputs: Tensor[];
  /** The rows' keys as JSON, one a line. */
  keys: string;
  nRows: number;
}

/** Rows as the model takes them. */
export interface Encoded {
  batch: Batch;
  /** What is wrong with the others, by their place. */
  problems: Map<number, Problem>;
}

/** The tensors of rows. A row that cannot be read is left out, and has a problem that names the input, what was expected and what was found. */
export function encodeRows(specs: TensorSpec[], rows: Row[], keys: string[] = rows.map(({ key }) => keyJson(key))): Encoded {
  const columns = specs.map((spec) => (spec.datatype === "bytes" ? new Texts(spec) : new Numbers(spec, rows.length)));
  const problems = new Map<number, Problem>();
  const sound: string[] = [];
  rows.forEach((row, idx) => {
    try {
      for (const column of columns) put(column, sound.length, row);
      sound.push(keys[idx] as string);
    } catch (error) {
      problems.set(idx, problemOf(error, idx));
    }
  });
  const inputs = columns.map((column) => column.tensor(sound.length));
  return { batch: { inputs, keys: sound.join("\n"), nRows: sound.length }, problems };
}

/** The rows of an input. A place may be written again: the row before was none, then. */
interface Column {
  readonly spec: TensorSpec;
  put(place: number, value: unknown): void;
  tensor(nRows: number): Tensor;
}

function put(column: Column, place: number, row: Row): void {
  const value = row[column.spec.name];
  if (value === undefined) throw new EdgeError("missing_input", `input \`${column.spec.name}\` is missing`);
  try {
    column.put(place, value);
  } catch (error) {
    if (!(error instanceof Unfit)) throw error;
    throw new EdgeError(error.code, `tensor \`${column.spec.name}\`: ${error.message}`);
  }
}

function problemOf(error: unknown, row: number): Problem {
  if (!(error instanceof EdgeError)) throw error;
  return { error: `row \`${row}\`: ${error.message}`, code: error.code, row };
}

/** Room for the numbers of all rows. That for floats is seen as such: they need no call each. */
interface Room {
  data: Uint8Array;
  view: DataView;
  floats: Float32Array | undefined;
}

/** Numbers and truth values. */
class Numbers implements Column {
  private readonly shape: RowShape;
  private room: Room | undefined;

  constructor(
    readonly spec: TensorSpec,
    private readonly nRows: number,
  ) {
    this.shape = new RowShape(spec);
  }

  put(place: number, value: unknown): void {
    const { bytes, put } = codec(this.spec.datatype);
    const values = flatten(value);
    if (this.shape.fit(place, values.length)) this.room = undefined;
    const { view, floats } = (this.room ??= this.allocate(bytes));
    const at = place * this.shape.length;
    if (floats === undefined) for (let idx = 0; idx < values.length; idx++) put(view, (at + idx) * bytes, values[idx]);
    else if (values instanceof Float32Array) floats.set(values, at);
    else for (let idx = 0; idx < values.length; idx++) floats[at + idx] = finite32(number(values[idx]));
  }

  tensor(nRows: number): Tensor {
    const { name, datatype } = this.spec;
    const all = this.room?.data ?? new Uint8Array();
    const data = nRows === this.nRows ? all : all.slice(0, (all.length / this.nRows) * nRows);
    return { name, datatype, shape: this.shape.of(nRows), data };
  }

  private allocate(bytes: number): Room {
    const buffer = new ArrayBuffer(this.nRows * this.shape.length * bytes);
    const floats = this.spec.datatype === "fp32" ? new Float32Array(buffer) : undefined;
    return { data: new Uint8Array(buffer), view: new DataView(buffer), floats };
  }
}

/** Texts, each after its length. */
class Texts implements Column {
  private readonly shape: RowShape;
  private readonly rows: Uint8Array[][] = [];

  constructor(readonly spec: TensorSpec) {
    this.shape = new RowShape(spec);
  }

  put(place: number, value: unknown): void {
    const values = flatten(value);
    this.shape.fit(place, values.length);
    this.rows[place] = Array.from(values, (it) => UTF8.encode(text(it)));
  }

  tensor(nRows: number): Tensor {
    const texts = this.rows.slice(0, nRows).flat();
    const data = new Uint8Array(texts.reduce((total, it) => total + 4 + it.length, 0));
    const view = new DataView(data.buffer);
    let at = 0;
    for (const it of texts) {
      view.setUint32(at, it.length, true);
      data.set(it, at + 4);
      at += 4 + it.length;
    }
    return { name: this.spec.name, datatype: "bytes", shape: this.shape.of(nRows), data };
  }
}

const UTF8 = new TextEncoder();

/** The shape of a row. A dimension that is open is what the first row makes of it, and may then be no other. */
class RowShape {
  /** How many values a row has. */
  length: number;
  private readonly dimensions: number[];
  /** How many values there are for each step of the open dimension. */
  private readonly closed: number;
  private readonly nOpen: number;

  constructor({ shape }: TensorSpec) {
    this.dimensions = Array.from(shape.subarray(1), Number);
    const known = this.dimensions.filter((dimension) => dimension >= 0);
    this.closed = known.reduce((n, dimension) => n * dimension, 1);
    this.nOpen = this.dimensions.length - known.length;
    this.length = this.closed;
  }

  /** Whether the row at this place has given rows another length. Throws `Unfit` if it has not that of the others. */
  fit(place: number, length: number): boolean {
    const isOpen = this.nOpen > 0 && place === 0;
    const isFit = isOpen ? length > 0 && (this.nOpen === 1 ? length % this.closed === 0 : length === this.closed) : length === this.length;
    if (!isFit) throw new Unfit("wrong_shape", `expected a row of shape [${this.named(isOpen).join(", ")}], found ${length} values`);
    const isOther = length !== this.length;
    this.length = length;
    return isOther;
  }

  /** The shape of so many rows. */
  of(nRows: number): BigUint64Array {
    return BigUint64Array.from([nRows, ...this.named(false)], BigInt);
  }

  /** The dimensions: an open one as it is now, or as -1. */
  private named(isOpen: boolean): number[] {
    const open = isOpen ? -1 : this.nOpen > 1 ? 1 : this.length / this.closed;
    return this.dimensions.map((dimension) => (dimension < 0 ? open : dimension));
  }
}

/** The values of nested lists, in order. A flat list is taken as it is. */
function flatten(value: unknown): ArrayLike<unknown> {
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) return value as unknown as ArrayLike<unknown>;
  if (!Array.isArray(value)) return [value];
  return typeof value[0] === "object" ? value.flatMap((item) => Array.from(flatten(item))) : value;
}
