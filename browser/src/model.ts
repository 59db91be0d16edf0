/** A packed model, on tensors. Not the decision about what it answers. */

import { EdgeError } from "./answer.js";
import { Component } from "./component.js";
import type { Tensor, TensorSpec } from "./tensor.js";

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
