/** Rows to tensors: what is read, what is refused and how, and that a bad row leaves no trace among the others. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeRows } from "../dist/rows.js";

const spec = (name, datatype, ...shape) => ({ name, datatype, shape: BigInt64Array.from(shape, BigInt) });
const bytes = (...numbers) => [...new Uint8Array(Float32Array.from(numbers).buffer)];
const read = (specs, ...rows) => encodeRows(specs, rows.map((row, key) => ({ key, ...row })));

test("lists, nested lists and typed arrays have the same bytes", () => {
  const { batch, problems } = read([spec("x", "fp32", -1, 2, 2)], { x: [1, 2, 3, 4] }, { x: [[1, 2], [3, 4]] }, { x: Float32Array.of(1, 2, 3, 4) }, { x: [Float64Array.of(1, 2), [3, 4]] });
  assert.equal(problems.size, 0);
  assert.deepEqual([...batch.inputs[0].shape], [4n, 2n, 2n]);
  assert.deepEqual([...batch.inputs[0].data], bytes(...[1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4]));
  assert.equal(batch.keys, "0\n1\n2\n3");
});

test("a bad row is left out of every input", () => {
  const specs = [spec("x", "fp32", -1), spec("t", "bytes", -1), spec("n", "int64", -1)];
  const good = (x, t, n) => ({ x, t, n });
  const { batch, problems } = read(specs, good(1, "a", 1), good(2, "b", 0.5), good(3, 3, 3), good(4, "ü", 2n ** 62n), { x: 1, t: "a" }, good(1e39, "a", 1));
  assert.deepEqual([...problems.keys()], [1, 2, 4, 5]);
  assert.deepEqual([...problems.values()].map(({ code, row }) => [code, row]), [["wrong_element", 1], ["wrong_element", 2], ["missing_input", 4], ["wrong_element", 5]]);
  assert.equal(problems.get(2).error, "row `2`: tensor `t`: expected a text, found 3");
  assert.equal(problems.get(5).error, "row `5`: tensor `x`: expected a number that fits 32 bits, found 1e+39");
  const [x, t, n] = batch.inputs;
  assert.deepEqual([...x.data], bytes(1, 4));
  assert.deepEqual([...t.data], [1, 0, 0, 0, 97, 2, 0, 0, 0, 0xc3, 0xbc]);
  assert.deepEqual([...new BigInt64Array(n.data.buffer)], [1n, 2n ** 62n]);
  assert.deepEqual([batch.nRows, batch.keys], [2, "0\n3"]);
});

test("an open dimension is what the first good row makes of it", () => {
  const { batch, problems } = read([spec("x", "fp32", -1, -1, 2)], { x: [1] }, { x: [1, 2, 3, 4] }, { x: [1, 2] }, { x: [5, 6, 7, 8] });
  assert.deepEqual([...problems.values()].map(({ error }) => error), [
    "row `0`: tensor `x`: expected a row of shape [-1, 2], found 1 values",
    "row `2`: tensor `x`: expected a row of shape [2, 2], found 2 values",
  ]);
  assert.deepEqual([...batch.inputs[0].shape], [2n, 2n, 2n]);
  assert.deepEqual([...batch.inputs[0].data], bytes(1, 2, 3, 4, 5, 6, 7, 8));
});

test("numbers that are not finite are read as they are, and halves are not read", () => {
  const { batch } = read([spec("x", "fp32", -1, 2)], { x: [NaN, -Infinity] });
  assert.deepEqual([...new Float32Array(batch.inputs[0].data.buffer)], [NaN, -Infinity]);
  const { problems } = read([spec("x", "fp16", -1)], { x: 1 });
  assert.equal(problems.get(0).code, "wrong_datatype");
});
