//! `dependencies`: components plugged into another component's imports before it is loaded.

use std::fs;

use wasmparser::{Parser, Payload};

use crate::{
    application::{Component, Source},
    error::{Error, Result},
};

/// The bytes of `component` with its dependencies plugged in.
///
/// # Errors
/// [`Error::Read`], [`Error::UnusedDependency`], [`Error::DependencyImport`] or [`Error::Load`].
pub(crate) fn plugged(component: &Component) -> Result<Vec<u8>> {
    let mut wasm = read(&component.source)?;
    for dependency in &component.dependencies {
        let plug = read(&Source::File(dependency.path.clone()))?;
        if !imports(&wasm).iter().any(|import| names(&dependency.name, import)) {
            return Err(Error::UnusedDependency {
                component: component.id.clone(),
                dependency: dependency.name.clone(),
            });
        }
        if let Some(import) = imports(&plug).first()
            && !component.dependencies_inherit_configuration
        {
            return Err(Error::DependencyImport {
                component: component.id.clone(),
                dependency: dependency.name.clone(),
                import: import.clone(),
            });
        }
        let load = |source| Error::Load { component: component.id.clone(), source };
        wasm = engine::plug(&wasm, &plug).map_err(load)?;
    }
    Ok(wasm)
}

fn read(source: &Source) -> Result<Vec<u8>> {
    match source {
        Source::Bytes(bytes) => Ok(bytes.to_vec()),
        Source::File(path) => fs::read(path).map_err(|source| Error::Read { path: path.clone(), source }),
    }
}

/// The names of what a component imports; none if the bytes are no component, which loading them will tell.
fn imports(wasm: &[u8]) -> Vec<String> {
    let mut imports = Vec::new();
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(wasm) {
        match payload {
            Ok(Payload::ModuleSection { .. } | Payload::ComponentSection { .. }) => depth += 1,
            Ok(Payload::End(_)) => depth = depth.saturating_sub(1),
            Ok(Payload::ComponentImportSection(section)) if depth == 0 => {
                imports.extend(section.into_iter().flatten().map(|import| import.name.name.to_owned()));
            }
            Ok(_) => {}
            Err(_) => break,
        }
    }
    imports
}

/// Whether the dependency `name`, an interface or a package, is for `import`.
fn names(name: &str, import: &str) -> bool {
    if name == import {
        return true;
    }
    let (package, version) = name.split_once('@').map_or((name, None), |(package, it)| (package, Some(it)));
    let (interface, import_version) =
        import.split_once('@').map_or((import, None), |(interface, it)| (interface, Some(it)));
    let is_version = version.is_none() || version == import_version;
    let in_package = interface.strip_prefix(package).is_some_and(|rest| rest.starts_with('/'));
    is_version && (interface == package || in_package)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_names(name: &str, import: &str, expected: bool) {
        assert_eq!(names(name, import), expected, "`{name}` for `{import}`");
    }

    #[test]
    fn a_dependency_names_an_interface_or_a_package() {
        let import = "plinth:model/inference@0.1.0";
        for name in
            ["plinth:model/inference@0.1.0", "plinth:model/inference", "plinth:model@0.1.0", "plinth:model"]
        {
            check_names(name, import, true);
        }
        for name in ["plinth:mod", "plinth:model@0.2.0", "plinth:model/infer", "plinth:model/loader@0.1.0"] {
            check_names(name, import, false);
        }
        check_names("plain", "plain", true);
    }

    #[test]
    fn imports_are_those_of_the_outermost_component() {
        let wasm = wat::parse_str(
            r#"(component
                (import "a:b/c@1.0.0" (instance))
                (core module (import "core" "f" (func)))
                (component (import "inner" (func)))
                (import "plain" (func)))"#,
        );
        assert_eq!(imports(&wasm.unwrap()), ["a:b/c@1.0.0", "plain"]);
        assert_eq!(imports(b"no component"), Vec::<String>::new());
    }
}
