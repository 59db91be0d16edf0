/** Values of rows to the tensors of a model, and back. The bytes are those that the server would make of the same JSON. */

import { EdgeError } from "./answer.js";

/** The datatypes of `plinth:model`. */
export type Datatype =
  | "bool" | "uint8" | "uint16" | "uint32" | "uint64" | "int8" | "int16" | "int32" | "int64"
  | "fp16" | "bf16" | "fp32" | "fp64" | "bytes";

/** A named array: row-major, little-endian. */
export interface Tensor {
  name: string;
  datatype: Datatype;
  shape: BigUint64Array;
  data: Uint8Array;
}

/** An input or output of a model; -1 takes any size. */
export interface TensorSpec {
  name: string;
  datatype: Datatype;
  shape: BigInt64Array;
}

/** A value out of a tensor. Whole numbers of 64 bits stay exact. */
export type Element = number | bigint | string | boolean;

interface Codec {
  bytes: number;
  put(view: DataView, at: number, value: unknown): void;
  get(view: DataView, at: number): Element;
}

const CODECS: Partial<Record<Datatype, Codec>> = {
  bool: {
    bytes: 1,
    put: (view, at, value) => view.setUint8(at, truth(value) ? 1 : 0),
    get: (view, at) => view.getUint8(at) !== 0,
  },
  uint8: whole(1, 0, 2 ** 8 - 1, "Uint8"),
  uint16: whole(2, 0, 2 ** 16 - 1, "Uint16"),
  uint32: whole(4, 0, 2 ** 32 - 1, "Uint32"),
  int8: whole(1, -(2 ** 7), 2 ** 7 - 1, "Int8"),
  int16: whole(2, -(2 ** 15), 2 ** 15 - 1, "Int16"),
  int32: whole(4, -(2 ** 31), 2 ** 31 - 1, "Int32"),
  int64: long("BigInt64", -(2n ** 63n), 2n ** 63n - 1n),
  uint64: long("BigUint64", 0n, 2n ** 64n - 1n),
  fp32: {
    bytes: 4,
    put: (view, at, value) => view.setFloat32(at, finite32(number(value)), true),
    get: (view, at) => view.getFloat32(at, true),
  },
  fp64: {
    bytes: 8,
    put: (view, at, value) => view.setFloat64(at, number(value), true),
    get: (view, at) => view.getFloat64(at, true),
  },
};

/** Why a value does not fit, with the server's code. */
class Unfit extends Error {
  constructor(readonly code: string, message: string) {
    super(message);
  }
}

/**
 * One row's values of an input, as bytes.
 *
 * Throws an EdgeError that names the input, what was expected and what was found.
 */
export function encode(spec: TensorSpec, value: unknown): Uint8Array {
  if (spec.datatype === "fp32" && value instanceof Float32Array && value.length === rowLength(spec)) {
    return new Uint8Array(value.buffer.slice(value.byteOffset, value.byteOffset + value.byteLength) as ArrayBuffer);
  }
  const flat = flatten(value);
  const expected = rowLength(spec);
  if (expected === undefined ? flat.length === 0 : flat.length !== expected) {
    const shape = `[${[...spec.shape.slice(1)].join(", ")}]`;
    throw new EdgeError("wrong_shape", `tensor \`${spec.name}\`: expected a row of shape ${shape}, found ${flat.length} values`);
  }
  try {
    return spec.datatype === "bytes" ? encodeTexts(flat) : encodeNumbers(spec.datatype, flat);
  } catch (error) {
    if (!(error instanceof Unfit)) throw error;
    throw new EdgeError(error.code, `tensor \`${spec.name}\`: ${error.message}`);
  }
}

/** The tensor of all rows. */
export function stack(spec: TensorSpec, rows: Uint8Array[]): Tensor {
  const data = new Uint8Array(rows.reduce((total, row) => total + row.length, 0));
  let at = 0;
  for (const row of rows) {
    data.set(row, at);
    at += row.length;
  }
  const shape = new BigUint64Array(spec.shape.length);
  spec.shape.forEach((dimension, axis) => (shape[axis] = dimension < 0n ? 1n : BigInt(dimension)));
  shape[0] = BigInt(rows.length);
  return { name: spec.name, datatype: spec.datatype, shape, data };
}

/** The elements of a tensor, cut into its rows. */
export function rowsOf(tensor: Tensor): Element[][] {
  const elements = tensor.datatype === "bytes" ? decodeTexts(tensor.data) : decodeNumbers(tensor);
  const n = Number(tensor.shape[0] ?? 1n);
  const length = n === 0 ? 0 : elements.length / n;
  return Array.from({ length: n }, (_, row) => elements.slice(row * length, (row + 1) * length));
}

/** How many values a row has; undefined if a dimension besides the first is open. */
function rowLength(spec: TensorSpec): number | undefined {
  const inner = [...spec.shape.slice(1)];
  return inner.some((dimension) => dimension < 0n) ? undefined : inner.reduce((n, dimension) => n * Number(dimension), 1);
}

/** The values of nested lists, in order. A flat list is taken as it is. */
function flatten(value: unknown): unknown[] {
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as ArrayLike<unknown>);
  if (!Array.isArray(value)) return [value];
  return value.some((item) => typeof item === "object") ? value.flatMap(flatten) : value;
}

function codec(datatype: Datatype): Codec {
  const found = CODECS[datatype];
  if (found === undefined) throw new Unfit("wrong_datatype", `the datatype ${datatype} is not taken from rows`);
  return found;
}

function encodeNumbers(datatype: Datatype, values: unknown[]): Uint8Array {
  if (datatype === "fp32") return encodeFloats(values);
  const { bytes, put } = codec(datatype);
  const data = new Uint8Array(values.length * bytes);
  const view = new DataView(data.buffer);
  values.forEach((value, idx) => put(view, idx * bytes, value));
  return data;
}

/** The datatype of most rows, without a call for each number. */
function encodeFloats(values: unknown[]): Uint8Array {
  const floats = new Float32Array(values.length);
  for (let idx = 0; idx < values.length; idx++) floats[idx] = finite32(number(values[idx]));
  return new Uint8Array(floats.buffer);
}

function decodeNumbers(tensor: Tensor): Element[] {
  const { bytes, get } = codec(tensor.datatype);
  const view = new DataView(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength);
  const elements = new Array<Element>(tensor.data.byteLength / bytes);
  for (let idx = 0; idx < elements.length; idx++) elements[idx] = get(view, idx * bytes);
  return elements;
}

function encodeTexts(values: unknown[]): Uint8Array {
  const texts = values.map((value) => new TextEncoder().encode(text(value)));
  const data = new Uint8Array(texts.reduce((total, it) => total + 4 + it.length, 0));
  const view = new DataView(data.buffer);
  let at = 0;
  for (const it of texts) {
    view.setUint32(at, it.length, true);
    data.set(it, at + 4);
    at += 4 + it.length;
  }
  return data;
}

function decodeTexts(data: Uint8Array): string[] {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const texts: string[] = [];
  for (let at = 0; at < data.length; ) {
    const end = at + 4 + view.getUint32(at, true);
    texts.push(new TextDecoder().decode(data.subarray(at + 4, end)));
    at = end;
  }
  return texts;
}

type Small = "Uint8" | "Uint16" | "Uint32" | "Int8" | "Int16" | "Int32";

function whole(bytes: number, min: number, max: number, name: Small): Codec {
  return {
    bytes,
    put(view, at, value) {
      const it = typeof value === "bigint" ? Number(value) : number(value);
      if (!Number.isInteger(it)) throw new Unfit("wrong_element", `expected a whole number, found ${it}`);
      if (it < min || it > max) throw new Unfit("wrong_element", `expected a number from ${min} to ${max}, found ${it}`);
      view[`set${name}`](at, it, true);
    },
    get: (view, at) => view[`get${name}`](at, true),
  };
}

function long(name: "BigInt64" | "BigUint64", min: bigint, max: bigint): Codec {
  return {
    bytes: 8,
    put(view, at, value) {
      const isWhole = typeof value === "bigint" || Number.isInteger(value);
      if (!isWhole) throw new Unfit("wrong_element", `expected a whole number, found ${show(value)}`);
      const it = BigInt(value as bigint | number);
      if (it < min || it > max) throw new Unfit("wrong_element", `expected a number from ${min} to ${max}, found ${it}`);
      view[`set${name}`](at, it, true);
    },
    get: (view, at) => view[`get${name}`](at, true),
  };
}

function number(value: unknown): number {
  if (typeof value === "number") return value;
  throw new Unfit("wrong_element", `expected a number, found ${show(value)}`);
}

function finite32(value: number): number {
  if (Math.abs(Math.fround(value)) === Infinity && Number.isFinite(value)) {
    throw new Unfit("wrong_element", `expected a number that fits 32 bits, found ${value}`);
  }
  return value;
}

function truth(value: unknown): boolean {
  if (typeof value === "boolean") return value;
  throw new Unfit("wrong_element", `expected true or false, found ${show(value)}`);
}

function text(value: unknown): string {
  if (typeof value === "string") return value;
  throw new Unfit("wrong_element", `expected a text, found ${show(value)}`);
}

function show(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}
