/**
 * Builds the package into `dist/`: the TypeScript, and the decision component. `node build.mjs DECISION.wasm`, where the argument is the core
 * module of `browser/decision`; `target/wasm/decision.wasm` if there is none.
 */

import { execFileSync } from "node:child_process";
import { readFile, rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { jco, transpileTo } from "./bin/plinth-edge.mjs";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

const core = process.argv[2] ?? here("../target/wasm/decision.wasm");
await rm(here("dist"), { recursive: true, force: true });
execFileSync(process.execPath, [here("node_modules/typescript/bin/tsc"), "--project", here("tsconfig.json")], { stdio: "inherit" });
const { componentNew } = await jco();
await transpileTo(await componentNew(await readFile(core), []), here("dist/decision"), "decision");
