/** 500 rows as one V2 request whose tensors are bytes, and the bits of an answer: no decimal number on the way. */

/** All rows' inputs, one after the other. */
export function pixels(rows) {
  return new Uint8Array(Float32Array.from(rows.flatMap(({ X }) => X)).buffer);
}

/** The bits of the edge's outputs by an HTTP server of the Open Inference Protocol. */
export async function bitsOver(url, model, rows) {
  const data = pixels(rows);
  const header = new TextEncoder().encode(
    JSON.stringify({
      inputs: [{ name: "X", datatype: "FP32", shape: [rows.length, 64], parameters: { binary_data_size: data.length } }],
      outputs: ["label", "probabilities"].map((name) => ({ name, parameters: { binary_data: true } })),
    }),
  );
  const body = Buffer.concat([header, data]);
  const headers = { "content-type": "application/octet-stream", "inference-header-content-length": String(header.length) };
  const response = await fetch(`${url}/v2/models/${model}/infer`, { method: "POST", headers, body });
  const bytes = Buffer.from(await response.arrayBuffer());
  if (!response.ok) throw new Error(bytes.toString());
  return bytes.subarray(Number(response.headers.get("inference-header-content-length"))).toString("hex");
}
