/** Loads a component that jco has transpiled: an ES module and the core modules beside it. Knows nothing of models. */

/** What a transpiled module exports. */
export interface Transpiled {
  instantiate(
    getCoreModule: (path: string) => Promise<WebAssembly.Module>,
    imports: Record<string, never>,
  ): Promise<Record<string, unknown>>;
}

/** A component, compiled: instances of it are made in no time. */
export class Component {
  private constructor(
    private readonly transpiled: Transpiled,
    private readonly coreModule: (path: string) => Promise<WebAssembly.Module>,
  ) {}

  /** Loads the module at `url`; its core modules are fetched beside it. */
  static async load(url: string): Promise<Component> {
    const transpiled = (await import(/* @vite-ignore */ /* webpackIgnore: true */ url)) as Transpiled;
    return Component.of(transpiled, (path) => new URL(path, url));
  }

  /** The component of a loaded module, whose core modules are fetched where `locate` says. */
  static of(transpiled: Transpiled, locate: (path: string) => URL): Component {
    const compiled = new Map<string, Promise<WebAssembly.Module>>();
    const coreModule = (path: string) => {
      const module = compiled.get(path) ?? compile(locate(path));
      compiled.set(path, module);
      return module;
    };
    return new Component(transpiled, coreModule);
  }

  /** A fresh instance: the interface of the name that begins so, without its version. */
  async instantiate<Interface>(name: string): Promise<Interface> {
    const root = await this.transpiled.instantiate(this.coreModule, {});
    const found = Object.keys(root).find((exported) => exported === name || exported.startsWith(`${name}@`));
    if (found === undefined) {
      throw new TypeError(`expected a component that exports \`${name}\`, found ${Object.keys(root).join(", ")}`);
    }
    return root[found] as Interface;
  }
}

async function compile(url: URL): Promise<WebAssembly.Module> {
  if (url.protocol === "file:") {
    const { readFile } = await import(/* @vite-ignore */ "node:fs/promises");
    return WebAssembly.compile(await readFile(url));
  }
  // A bundler may have put a small module into the address. A content security policy need not allow to fetch that.
  const inlined = /^data:[^,]*;base64,(.*)$/.exec(url.href)?.[1];
  if (inlined !== undefined) return WebAssembly.compile(Uint8Array.from(atob(inlined), (byte) => byte.charCodeAt(0)));
  const response = await fetch(url);
  if (!response.ok) throw new TypeError(`cannot fetch ${url}: ${response.status} ${response.statusText}`);
  // Streaming needs the right content type, which not every server sends.
  const isWasm = response.headers.get("content-type")?.startsWith("application/wasm");
  return isWasm ? WebAssembly.compileStreaming(response) : WebAssembly.compile(await response.arrayBuffer());
}
