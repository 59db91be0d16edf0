/** A packed model: rows in, the values of its outputs out. Not the decision about them. */

import { EdgeError, type Problem } from "./answer.js";
import { Component } from "./component.js";
import { type Element, type Tensor, type TensorSpec, encode, rowsOf, stack } from "./tensor.js";

/** What a model says of itself. */
export interface Metadata {
  name: string;
  version: string;
  platform: string;
  inputs: TensorSpec[];
  outputs: TensorSpec[];
  properties: [string, string][];
}

/** The exports of `plinth:model/inference`. */
interface Inference {
  metadata(): Metadata;
  infer(inputs: Tensor[], outputs: string[]): Tensor[];
}

/** A row's inputs as bytes, in the order of the model's inputs, or what is wrong with it. */
export type Encoded = { tensors: Uint8Array[] } | { problem: Problem };

/** A model in this thread. */
export class Model {
  private constructor(
    private readonly component: Component,
    private instance: Inference,
    /** What it says of itself. */
    readonly metadata: Metadata,
  ) {}

  /** Loads the module that `plinth-edge transpile` wrote to `url`. */
  static async load(url: string): Promise<Model> {
    const component = await Component.load(url);
    const instance = await component.instantiate<Inference>("plinth:model/inference");
    return new Model(component, instance, instance.metadata());
  }

  /** A property of the metadata, such as `onnx_sha256`; empty if there is none. */
  property(name: string): string {
    return this.metadata.properties.find(([found]) => found === name)?.[1] ?? "";
  }

  /** Runs the model on tensors, and gives those of `outputs`, in that order; of all outputs if none is named. */
  async infer(inputs: Tensor[], outputs: string[] = []): Promise<Tensor[]> {
    try {
      return this.instance.infer(inputs, outputs);
    } catch (error) {
      throw await this.explain(error);
    }
  }

  /** The bytes of a row. */
  encode(row: Record<string, unknown>, idx: number): Encoded {
    try {
      return { tensors: this.metadata.inputs.map((input) => encode(input, valueOf(row, input))) };
    } catch (error) {
      if (!(error instanceof EdgeError)) throw error;
      return { problem: { error: `row \`${idx}\`: ${error.message}`, code: error.code, row: idx } };
    }
  }

  /** The values of `outputs` for rows of bytes: for each row, for each output, its elements. */
  async inferRows(rows: Uint8Array[][], outputs: string[]): Promise<Element[][][]> {
    const column = (input: TensorSpec, idx: number) => stack(input, rows.map((row) => row[idx] ?? new Uint8Array()));
    const tensors = await this.infer(this.metadata.inputs.map(column), outputs);
    const columns = tensors.map(rowsOf);
    if (columns.some((values) => values.length !== rows.length)) {
      throw new EdgeError("rows_changed", `the model answered another number of rows than the ${rows.length} it was given`);
    }
    return rows.map((_, row) => columns.map((values) => values[row] ?? []));
  }

  /** What an exception means. After a trap the instance is of no use, and another takes its place. */
  private async explain(error: unknown): Promise<unknown> {
    const payload = (error as { payload?: { tag: string; val: string } }).payload;
    if (payload !== undefined) {
      return new EdgeError(payload.tag === "invalid-input" ? "wrong_shape" : "model_failed", payload.val);
    }
    this.instance = await this.component.instantiate<Inference>("plinth:model/inference");
    return new EdgeError("model_failed", `the model trapped: ${String(error)}`);
  }
}

function valueOf(row: Record<string, unknown>, input: TensorSpec): unknown {
  const value = row[input.name];
  if (value === undefined) throw new EdgeError("missing_input", `input \`${input.name}\` is missing`);
  return value;
}
