#!/usr/bin/env node
/** `plinth-edge transpile`: a packed model to the ES module that `TwoPhase.load` takes. */

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { parseArgs } from "node:util";

const USAGE = `usage: plinth-edge transpile MODEL.wasm -o FOLDER [--name NAME]

Writes FOLDER/NAME.js and what belongs to it; NAME is "model" if nothing is said. Serve the folder as it is, and give
TwoPhase.load the address of NAME.js.`;

/** Writes the module of the component `bytes` into `folder`. */
export async function transpileTo(bytes, folder, name) {
  const { transpile } = await jco();
  const options = { name, instantiation: "async", nodejsCompat: false, namespacedExports: false, minify: true, validLiftingOptimization: true };
  const { files } = await transpile(bytes, options);
  const entries = Array.isArray(files) ? files : Object.entries(files);
  for (const [path, content] of entries) {
    const file = join(folder, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
  }
}

/** The transpiler, which is needed while an application is built and never while it runs. */
export async function jco() {
  try {
    return await import("@bytecodealliance/jco");
  } catch (error) {
    throw new Error(`plinth-edge needs jco: npm install --save-dev @bytecodealliance/jco@1.35.0 (${error.message})`);
  }
}

async function main(words) {
  const options = { output: { type: "string", short: "o" }, name: { type: "string", default: "model" }, help: { type: "boolean", short: "h" } };
  const { values, positionals } = parseArgs({ args: words, options, allowPositionals: true });
  const [command, model, ...rest] = positionals;
  if (values.help) return console.log(USAGE);
  if (command !== "transpile" || model === undefined || values.output === undefined || rest.length > 0) throw new Error(USAGE);
  await transpileTo(await readFile(model), values.output, values.name);
  console.log(join(values.output, `${values.name}.js`));
}

if (process.argv[1] !== undefined && basename(process.argv[1]).startsWith("plinth-edge")) {
  main(process.argv.slice(2)).catch((error) => {
    console.error(`error: ${error.message}`);
    process.exitCode = 2;
  });
}
