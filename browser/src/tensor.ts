/** Tensors, and the elements that they hold, one by one. What rows are and how they become tensors is in `rows.ts`. */

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

/** How an element lies in a tensor. */
export interface Codec {
  bytes: number;
  put(view: DataView, at: number, value: unknown): void;
}

const CODECS: Partial<Record<Datatype, Codec>> = {
  bool: {
    bytes: 1,
    put: (view, at, value) => view.setUint8(at, truth(value) ? 1 : 0),
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
  },
  fp64: {
    bytes: 8,
    put: (view, at, value) => view.setFloat64(at, number(value), true),
  },
};

/** Why a value does not fit, with the server's code. */
export class Unfit extends Error {
  constructor(readonly code: string, message: string) {
    super(message);
  }
}

/** How elements of a datatype lie in a tensor. Throws `Unfit` for a datatype that rows cannot have. */
export function codec(datatype: Datatype): Codec {
  const found = CODECS[datatype];
  if (found === undefined) throw new Unfit("wrong_datatype", `the datatype ${datatype} is not taken from rows`);
  return found;
}

/** The elements of a tensor of real numbers, without copying them; undefined if it is none. */
export function reals({ datatype, data }: Tensor): Float32Array | Float64Array | undefined {
  if (datatype === "fp32") return aligned(data, Float32Array);
  return datatype === "fp64" ? aligned(data, Float64Array) : undefined;
}

/** The bytes as numbers; of a copy if they begin where such numbers cannot. */
function aligned<T>(data: Uint8Array, Type: { BYTES_PER_ELEMENT: number; new (buffer: ArrayBufferLike, at: number, length: number): T }): T {
  const size = Type.BYTES_PER_ELEMENT;
  const { buffer, byteOffset, byteLength } = data.byteOffset % size === 0 ? data : data.slice();
  return new Type(buffer, byteOffset, byteLength / size);
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
  };
}

/** A number, as it is. Throws `Unfit`. */
export function number(value: unknown): number {
  if (typeof value === "number") return value;
  throw new Unfit("wrong_element", `expected a number, found ${show(value)}`);
}

/** A number that 32 bits can hold, or one that is not finite. Throws `Unfit`. */
export function finite32(value: number): number {
  if (Math.abs(Math.fround(value)) === Infinity && Number.isFinite(value)) {
    throw new Unfit("wrong_element", `expected a number that fits 32 bits, found ${value}`);
  }
  return value;
}

function truth(value: unknown): boolean {
  if (typeof value === "boolean") return value;
  throw new Unfit("wrong_element", `expected true or false, found ${show(value)}`);
}

/** A text. Throws `Unfit`. */
export function text(value: unknown): string {
  if (typeof value === "string") return value;
  throw new Unfit("wrong_element", `expected a text, found ${show(value)}`);
}

function show(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}
