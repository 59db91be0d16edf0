//! Finds the compiled guests and writes the constants that embed them. It compiles nothing: guests have their own targets
//! and profiles, which `cargo xtask build` knows.

#![expect(clippy::disallowed_methods, reason = "a build script reads and writes files")]

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

const MODEL_RUNTIME: &str = "model-runtime";

fn main() -> ExitCode {
    match embed() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            println!("cargo::error={message}");
            ExitCode::FAILURE
        }
    }
}

fn embed() -> Result<(), String> {
    println!("cargo::rerun-if-env-changed=PLINTH_WASM_DIR");
    println!("cargo::rerun-if-changed=build.rs");
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let wasm = env::var_os("PLINTH_WASM_DIR").map_or_else(|| workspace.join("target/wasm"), PathBuf::from);
    let runtime = constant(&guest(&wasm, MODEL_RUNTIME)?);
    let mut functions = String::new();
    for name in function_names(&workspace.join("functions"))? {
        let component = constant(&guest(&wasm, &name)?);
        functions.push_str(&format!("    ({name:?}, {component}),\n"));
    }
    let source = format!(
        "/// The model runtime: a core module of the world `model-runtime`.\n\
         pub const MODEL_RUNTIME: &[u8] = {runtime};\n\
         /// The functions by name: components that export `wasi:http/incoming-handler`.\n\
         pub const FUNCTIONS: &[(&str, &[u8])] = &[\n{functions}];\n"
    );
    let out_dir = env::var("OUT_DIR").map_err(|error| format!("OUT_DIR: {error}"))?;
    fs::write(Path::new(&out_dir).join("embedded.rs"), source).map_err(|error| error.to_string())
}

/// The compiled guest of that name, which cargo is told to watch.
fn guest(wasm: &Path, name: &str) -> Result<PathBuf, String> {
    let path = wasm.join(format!("{name}.wasm"));
    println!("cargo::rerun-if-changed={}", path.display());
    path.canonicalize().map_err(|error| {
        format!(
            "cannot find the compiled `{name}` at `{}` ({error}): run `cargo xtask build` first",
            path.display()
        )
    })
}

fn constant(path: &Path) -> String {
    format!("include_bytes!({:?})", path.display().to_string())
}

fn function_names(functions: &Path) -> Result<Vec<String>, String> {
    let entries = fs::read_dir(functions).map_err(|error| format!("`{}`: {error}", functions.display()))?;
    let folders = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut names: Vec<String> = folders
        .filter(|folder| folder.join("Cargo.toml").is_file())
        .filter_map(|folder| Some(folder.file_name()?.to_string_lossy().into_owned()))
        .collect();
    names.sort();
    Ok(names)
}
