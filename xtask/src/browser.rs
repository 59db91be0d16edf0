//! What is built and tested with Node: the npm package in `browser/`, the demo models as ES modules, and the console page. Its tests belong to
//! `browser/tests/`.
//!
//! Without Node the application still starts, with a page that says what is lacking; the tests need it.

use std::{
    fs,
    hash::{DefaultHasher, Hasher as _},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use crate::{process, steps::Step, workspace::Workspace};

/// Run after the build; the first one installs what the other needs.
pub(crate) const TESTS: &[Step] =
    &[Step { name: "Chromium", run: chromium }, Step { name: "tests, browser", run: test }];

/// The oldest Node that will do.
const NODE_VERSION: u32 = 20;

/// What the built files depend on; beside these only on `package-lock.json`, which stands in one of them.
const INPUTS: [&str; 4] =
    ["browser", "console", "target/wasm/decision.wasm", "target/models/digits-edge.edge.wasm"];

/// Folders that hold nothing written by hand.
const GENERATED: [&str; 3] = ["node_modules", "dist", "decision"];

/// The demo models that tests run in Node and in Chromium.
const MODELS: [&str; 1] = ["digits-edge"];

/// Where Debian has Chromium.
const CHROMIUM: &str = "/usr/bin/chromium";

/// Names another Chromium.
const CHROMIUM_VARIABLE: &str = "PLINTH_CHROMIUM";

/// Builds the package, the models and the page, unless all is as it was.
///
/// # Errors
/// If something cannot be installed or built, or a file cannot be read or written.
pub(crate) fn build(workspace: &Workspace) -> Result<()> {
    if !has_node(workspace) {
        println!("no Node {NODE_VERSION} or newer: the console page is left out");
        return write(&workspace.target().join("console/index.html"), &page_without_node());
    }
    let (stamp_file, stamp) = (workspace.target().join("browser/stamp"), stamp(workspace)?);
    if fs::read_to_string(&stamp_file).is_ok_and(|present| present == stamp) {
        return Ok(());
    }
    install_packages(workspace)?;
    process::run(node(workspace).arg("browser/build.mjs"))?;
    for model in MODELS {
        let packed = workspace.target().join("models").join(format!("{model}.edge.wasm"));
        let folder = workspace.target().join("browser").join(model);
        process::run(
            node(workspace)
                .args(["browser/bin/plinth-edge.mjs", "transpile"])
                .arg(packed)
                .arg("-o")
                .arg(folder),
        )?;
    }
    process::run(node(workspace).arg("console/build.mjs"))?;
    write(&stamp_file, &stamp)
}

/// Installs Chromium, unless the machine has it.
fn chromium(workspace: &Workspace) -> Result<()> {
    if std::env::var_os(CHROMIUM_VARIABLE).is_some() || Path::new(CHROMIUM).exists() {
        return Ok(());
    }
    let advice = || format!("the tests need Chromium: install it, or say in {CHROMIUM_VARIABLE} where it is");
    process::run(process::program(workspace, "apt-get").arg("update")).with_context(advice)?;
    process::run(process::program(workspace, "apt-get").args(["install", "--yes", "chromium"]))
        .with_context(advice)
}

fn test(workspace: &Workspace) -> Result<()> {
    if !has_node(workspace) {
        bail!("the tests need Node {NODE_VERSION} or newer");
    }
    let mut tests = files(&workspace.root().join("browser/tests"))?;
    tests.retain(|file| file.to_string_lossy().ends_with(".test.mjs"));
    process::run(node(workspace).arg("--test").args(tests))
}

fn node(workspace: &Workspace) -> Command {
    process::program(workspace, "node")
}

fn has_node(workspace: &Workspace) -> bool {
    let version = node(workspace).arg("--version").output().map(|output| output.stdout).unwrap_or_default();
    let version = String::from_utf8_lossy(&version);
    let major = version.trim_start_matches('v').split('.').next().unwrap_or_default();
    major.parse::<u32>().is_ok_and(|major| major >= NODE_VERSION)
}

/// Installs what `package-lock.json` names, unless it is there.
fn install_packages(workspace: &Workspace) -> Result<()> {
    let folder = workspace.root().join("browser");
    let (lock, installed) = (folder.join("package-lock.json"), folder.join("node_modules/.plinth-lock"));
    let wanted = fs::read_to_string(&lock).with_context(|| format!("cannot read `{}`", lock.display()))?;
    if fs::read_to_string(&installed).is_ok_and(|present| present == wanted) {
        return Ok(());
    }
    let mut npm = process::program(workspace, "npm");
    process::run(npm.args(["ci", "--no-audit", "--no-fund"]).current_dir(&folder))?;
    write(&installed, &wanted)
}

/// A digest of all that the built files depend on.
fn stamp(workspace: &Workspace) -> Result<String> {
    let mut hasher = DefaultHasher::new();
    for input in INPUTS {
        for file in files(&workspace.root().join(input))? {
            let bytes = fs::read(&file).with_context(|| format!("cannot read `{}`", file.display()))?;
            hasher.write(file.as_os_str().as_encoded_bytes());
            hasher.write_usize(bytes.len());
            hasher.write(&bytes);
        }
    }
    Ok(format!("{:016x}", hasher.finish()))
}

/// The file, or the files in the folder and below it, in order; none if there is neither.
fn files(path: &Path) -> Result<Vec<PathBuf>> {
    if path.is_file() {
        return Ok(vec![path.to_path_buf()]);
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(path).into_iter().flatten() {
        let entry = entry.with_context(|| format!("cannot read `{}`", path.display()))?;
        if !GENERATED.iter().any(|name| entry.file_name() == *name) {
            found.extend(files(&entry.path())?);
        }
    }
    found.sort();
    Ok(found)
}

fn write(path: &Path, text: &str) -> Result<()> {
    let folder = path.parent().context("a file is in a folder")?;
    fs::create_dir_all(folder).with_context(|| format!("cannot create `{}`", folder.display()))?;
    fs::write(path, text).with_context(|| format!("cannot write `{}`", path.display()))
}

fn page_without_node() -> String {
    format!(
        "<!doctype html><title>Plinth</title><p>The console page was not built: building it needs Node {NODE_VERSION} or newer. \
         All else is served: <a href=\"evaluate/\">the evaluation</a>, <a href=\"v2\">the models</a>.\n"
    )
}
