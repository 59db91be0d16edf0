/** What jco makes of the decision component while the package is built. */

/** An instance; its core modules are asked for by their paths. */
export function instantiate(getCoreModule: (path: string) => Promise<WebAssembly.Module>, imports: Record<string, never>): Promise<Record<string, unknown>>;
