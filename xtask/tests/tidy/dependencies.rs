//! Which crate may name which dependency, as `ARCHITECTURE.md` promises.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use serde_json::Value;

use crate::{
    expect_none,
    repository::{read, root, section},
};

/// Families of crates by the start of their names, and the crates that may name them, in tests too. A folder with a
/// slash at its end stands for each crate below it.
const OWNERS: [(&str, &[&str]); 12] = [
    ("wasmtime", &["crates/engine", "crates/host", "crates/packer", "tests", "tests/", BUILD_ONCE]),
    ("spin-sdk", &["crates/function-shell", "functions/"]),
    ("tract", &["crates/onnx-ml", "crates/onnx-standard", "models/runtime"]),
    ("ballista", &["crates/cluster"]),
    ("prost", &["crates/endpoints", BUILD_ONCE]),
    ("datafusion", &["crates/batch", "crates/cluster", BUILD_ONCE]),
    ("object_store", &["crates/batch", BUILD_ONCE]),
    ("reqwest", &["crates/batch", "crates/cli"]),
    ("rusqlite", &["crates/databases"]),
    ("tokio-postgres", &["crates/databases"]),
    ("statrs", &["crates/metrics"]),
    ("hmac", &["crates/alerts"]),
];

/// The crate that names dependencies for their features only, and calls none of them.
const BUILD_ONCE: &str = "crates/build-once";

/// Crates that run everywhere, and the families that would tie them to one place.
const PURE: [&str; 12] = [
    "crates/tensor",
    "crates/columns",
    "crates/protocol",
    "crates/endpoints",
    "crates/metrics",
    "crates/two-phase",
    "crates/evaluation",
    "crates/evaluation-store",
    "crates/alerts",
    "crates/tree-shaking",
    "crates/onnx-ml",
    "crates/onnx-standard",
];
const IMPURE: [&str; 6] = ["tokio", "hyper", "wasmtime", "wasi", "spin-sdk", "rand"];

#[test]
fn each_family_of_dependencies_has_its_owners() {
    let packages = packages();
    let strangers = packages.iter().flat_map(|package| {
        package.dependencies.iter().filter_map(move |dependency| {
            let (_, owners) = OWNERS.iter().find(|(family, _)| dependency.name.starts_with(family))?;
            let may = owners.iter().any(|owner| is_at(&package.folder, owner));
            (!may).then(|| format!("{} names {}, which only {owners:?} may", package.folder, dependency.name))
        })
    });
    expect_none(strangers, "Call the owner instead, or give it the function that you need.");
}

#[test]
fn pure_crates_reach_no_clock_socket_or_runtime() {
    let packages = packages();
    let pure = packages.iter().filter(|package| PURE.contains(&package.folder.as_str()));
    let tied = pure.flat_map(|package| {
        let impure = package.dependencies.iter().filter(|dependency| {
            IMPURE.iter().any(|family| dependency.is_shipped && dependency.name.starts_with(family))
        });
        impure.map(|dependency| format!("{} names {}", package.folder, dependency.name))
    });
    expect_none(
        tied,
        "Take what you need as an argument or a trait, and implement it in `host` or `function-shell`.",
    );
}

#[test]
fn programs_build_their_common_dependencies_once() {
    let command = features_of(&["cli"], "normal");
    let tested = tested_with_the_command();
    let tested: Vec<&str> = tested.iter().map(String::as_str).collect();
    let others = [
        ("cluster", vec!["cluster"], "normal"),
        ("wasmtime-serve", vec!["wasmtime-serve"], "normal"),
        ("tests", tested, "normal,dev"),
    ];
    let differing = others.into_iter().flat_map(|(other, packages, edges)| {
        let of_other = features_of(&packages, edges);
        let differing = command.iter().filter_map(move |(dependency, features)| {
            let others = of_other.get(dependency).filter(|others| *others != features)?;
            Some(format!("{dependency}: `cli` has {features:?}, `{other}` {others:?}"))
        });
        differing.collect::<Vec<_>>()
    });
    expect_none(differing, "Add the features that one of them lacks to crates/build-once/Cargo.toml.");
}

#[test]
fn tensor_depends_on_nothing() {
    let packages = packages();
    let tensor = packages.iter().find(|package| package.folder == "crates/tensor").expect("crates/tensor");
    let shipped = tensor.dependencies.iter().filter(|dependency| dependency.is_shipped);
    expect_none(
        shipped.map(|dependency| dependency.name.clone()),
        "Everything depends on `tensor`: keep it bare.",
    );
}

#[test]
fn crates_depend_on_what_the_code_map_says() {
    let map = code_map();
    let problems = packages().into_iter().filter_map(|package| {
        let declared: BTreeSet<String> = package
            .dependencies
            .iter()
            .filter(|dependency| dependency.is_local && dependency.is_shipped)
            .map(|dependency| dependency.name.clone())
            .collect();
        match map.iter().find(|row| row.folder == package.folder) {
            None => Some(format!("`{}` has no row", package.folder)),
            Some(row) if row.depends_on != declared => Some(format!(
                "`{}` depends on {declared:?}, its row says {:?}",
                package.folder, row.depends_on
            )),
            Some(_) => None,
        }
    });
    expect_none(
        problems,
        "A new edge between crates is a decision: undo it, or write it into the code map of ARCHITECTURE.md.",
    );
}

#[test]
fn dependency_arrows_point_up_the_code_map() {
    let map = code_map();
    let names: Vec<&str> = map.iter().map(|row| row.folder.rsplit('/').next().unwrap_or_default()).collect();
    let upward = map.iter().enumerate().flat_map(|(row_idx, row)| {
        let above: BTreeSet<&str> = names.iter().take(row_idx).copied().collect();
        let missing = row.depends_on.iter().filter(move |name| !above.contains(name.as_str()));
        missing.map(|name| format!("`{}` depends on `{name}`, which is not above it", row.folder))
    });
    expect_none(
        upward,
        "Arrows point one way: move the code down to the crate that needs it, or the row up.",
    );
}

struct Package {
    name: String,
    /// Relative to the root, such as `crates/tensor`.
    folder: String,
    dependencies: Vec<Dependency>,
}

struct Dependency {
    name: String,
    /// Whether it is a crate of this workspace.
    is_local: bool,
    /// Whether it is needed outside tests.
    is_shipped: bool,
}

/// The members of the workspace with the dependencies that their manifests declare.
fn packages() -> Vec<Package> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(root())
        .output()
        .expect("cargo starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("`cargo metadata` prints JSON");
    array(&metadata, "packages").iter().map(package).collect()
}

fn package(package: &Value) -> Package {
    let root = root();
    let manifest = std::path::Path::new(text(package, "manifest_path").expect("a manifest path"));
    let folder = manifest.parent().expect("a folder").strip_prefix(&root).expect("a member below the root");
    let dependencies = array(package, "dependencies").iter().map(|dependency| Dependency {
        name: text(dependency, "name").expect("a name").to_owned(),
        is_local: text(dependency, "path").is_some(),
        is_shipped: text(dependency, "kind") != Some("dev"),
    });
    let name = text(package, "name").expect("a name").to_owned();
    Package {
        name,
        folder: folder.to_string_lossy().replace('\\', "/"),
        dependencies: dependencies.collect(),
    }
}

fn array<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str)
}

/// Whether the folder is the owner's, or below it if the owner ends in a slash.
fn is_at(folder: &str, owner: &str) -> bool {
    folder == owner || (owner.ends_with('/') && folder.starts_with(owner))
}

/// The features of each dependency of a package that is compiled for this machine's programs, by its name and version.
fn features_of(packages: &[&str], edges: &str) -> BTreeMap<String, BTreeSet<String>> {
    let format = ["--prefix", "none", "--format", "{p}|{f}"];
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["tree", "--locked", "--edges", edges])
        .args(packages.iter().flat_map(|package| ["--package", package]))
        .args(format)
        .current_dir(root())
        .output()
        .expect("cargo starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).expect("`cargo tree` prints text");
    let mut features: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (dependency, of_it) in lines.lines().filter_map(|line| line.split_once('|')) {
        let of_it = of_it.trim_end_matches(" (*)").split(',').filter(|feature| !feature.is_empty());
        features.entry(dependency.to_owned()).or_default().extend(of_it.map(str::to_owned));
    }
    features
}

/// The packages whose tests are built together with the command: all that run on this machine, but for this one.
fn tested_with_the_command() -> Vec<String> {
    let apart = [
        "functions/",
        "models/",
        "tests/",
        "crates/function-shell",
        "crates/onnx-ml",
        "crates/onnx-standard",
        "xtask",
    ];
    let packages =
        packages().into_iter().filter(|package| !apart.iter().any(|it| is_at(&package.folder, it)));
    packages.map(|package| package.name).collect()
}

/// A row of the code map: a crate's folder and the crates of this workspace that it depends on.
struct Row {
    folder: String,
    depends_on: BTreeSet<String>,
}

/// The table of ARCHITECTURE.md whose first column is a folder in backticks and whose last is "depends on".
fn code_map() -> Vec<Row> {
    let document = read("ARCHITECTURE.md");
    section(&document, "Code map").lines().filter_map(row).collect()
}

fn row(line: &str) -> Option<Row> {
    let mut cells = line.trim().strip_prefix('|')?.strip_suffix('|')?.split('|').map(str::trim);
    let folder = cells.next()?.strip_prefix('`')?.strip_suffix('`')?.trim_end_matches('/');
    let depends_on = cells.next_back()?.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    Some(Row { folder: folder.to_owned(), depends_on })
}
