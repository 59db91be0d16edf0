/** `@plinth/edge`: Two-Phase Predictions where the data is. */

export { TwoPhase, type Options, type State } from "./two-phase.js";
export { EdgeError, type Answer, type Failed, type Key, type Opinion, type Phase, type Problem, type Reason, type Row, type Value } from "./answer.js";
export type { CloudOptions } from "./cloud.js";
export type { ModelRef, OperatingPoint, PolicySummary } from "./decision.js";
export type { EdgeAnswer, EdgeAnswers } from "./answers.js";
export type { QueueLimits } from "./queue.js";
export { Model, type Metadata } from "./model.js";
export type { Datatype, Tensor, TensorSpec } from "./tensor.js";
