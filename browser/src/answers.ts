/** From what the edge says of a batch, in columns, to an answer for each row. Made in the caller's thread: numbers are cheaper to send than objects. */

import type { Answer, Failed, Opinion, Problem, Reason, Row } from "./answer.js";
import type { Outcome } from "./edge.js";
import { type Tensor, reals } from "./tensor.js";

/** What the edge says of a row. */
export interface EdgeAnswer {
  isAccepted: boolean;
  opinion: Opinion & { confidence: number | null };
  reason: Reason;
  /** The reason in a sentence. */
  detail: string;
  feature?: string;
}

/** For each row its answer or what is wrong with it, and how long the rows took together. */
export interface EdgeAnswers {
  rows: (EdgeAnswer | { problem: Problem })[];
  milliseconds: number;
  policy: string;
}

/** The answers of `nRows` rows, in their order: those of the batch, and the others' problems. */
export function edgeAnswers({ decisions, probabilities, policy, milliseconds }: Outcome, nRows: number, problems: Map<number, Problem>): EdgeAnswers {
  const { verdicts, verdictOfRow, labelOfRow, confidenceOfRow, furtherLabels } = decisions;
  const probabilitiesOf = rowsOf(probabilities);
  const { classes } = policy;
  const rows: EdgeAnswers["rows"] = new Array(nRows);
  let place = 0;
  for (let idx = 0; idx < nRows; idx++) {
    const problem = problems.size === 0 ? undefined : problems.get(idx);
    if (problem !== undefined) {
      rows[idx] = { problem };
      continue;
    }
    const { isAccepted, reason, detail, feature } = verdicts[verdictOfRow[place] as number] as Outcome["decisions"]["verdicts"][number];
    const label = labelOfRow[place] as number;
    const prediction = (label < classes.length ? classes[label] : furtherLabels[label - classes.length]) as string;
    const known = confidenceOfRow[place] as number;
    const confidence = Number.isNaN(known) ? null : known;
    const numbers = probabilitiesOf?.(place);
    const opinion = numbers === undefined ? { prediction, confidence } : { prediction, confidence, probabilities: numbers };
    rows[idx] = feature === undefined ? { isAccepted, opinion, reason, detail } : { isAccepted, opinion, reason, detail, feature };
    place += 1;
  }
  return { rows, milliseconds, policy: policy.id };
}

/** The answer of a row as far as the edge knows it. */
export function answerOf({ key }: Row, { rows, milliseconds, policy }: EdgeAnswers, idx: number): Answer | Failed {
  const it = rows[idx] as EdgeAnswers["rows"][number];
  if ("problem" in it) return { key, error: it.problem };
  const { opinion, reason, feature } = it;
  const { prediction, confidence } = opinion;
  const answer: Answer = { key, prediction, confidence, phase: "edge", reason, policy, edge: opinion, milliseconds: { edge: milliseconds } };
  if (feature !== undefined) answer.feature = feature;
  return answer;
}

/** Gives the numbers of a row. */
function rowsOf(tensor: Tensor | undefined): ((row: number) => number[]) | undefined {
  const numbers = tensor && reals(tensor);
  if (numbers === undefined) return undefined;
  const nRows = Number(tensor?.shape[0] ?? 1n);
  const width = numbers.length / Math.max(1, nRows);
  return (row) => {
    const values = new Array<number>(width);
    for (let idx = 0, at = row * width; idx < width; idx++, at++) values[idx] = numbers[at] as number;
    return values;
  };
}
