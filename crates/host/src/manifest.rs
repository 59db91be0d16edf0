//! `spin.toml`, manifest version 2: read once into an [`Application`] or into the list of everything wrong with it.
//!
//! Unknown keys are problems, as in Spin; known keys that this host cannot honour are problems too, so nothing is ignored.
//! Exceptions are what `spin up` does not read either: `tool.*`, `targets`, `build.watch` and `profile.*`.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde::de::DeserializeOwned;
use toml::Value;

use crate::{
    application::{Application, Overrides, Target},
    error::{Error, Fault, Problem, Result},
    ids,
    variables::{self, Declared, Variables},
};

mod component;
mod schema;
mod trigger;

/// Where an application keeps its databases, beside its manifest.
const STATE_FOLDER: &str = ".spin";

/// The name that a manifest has in a folder.
const FILE_NAME: &str = "spin.toml";

impl Application {
    /// Reads the manifest at `path`, or `spin.toml` in the folder `path`. No component is read yet.
    ///
    /// # Errors
    /// [`Error::Read`]; [`Error::Manifest`] with all problems that can be told at once.
    pub fn read(path: &Path, overrides: &Overrides) -> Result<Self> {
        let path = if path.is_dir() { path.join(FILE_NAME) } else { path.to_owned() };
        let text = fs::read_to_string(&path).map_err(|source| Error::Read { path: path.clone(), source })?;
        let root = path.parent().map(Path::to_owned).unwrap_or_default();
        parse(&text, root, overrides).map_err(|problems| Error::Manifest { path, problems })
    }
}

/// Everything that the sections of one manifest have in common while they are checked.
struct Check<'a> {
    root: PathBuf,
    overrides: &'a Overrides,
    variables: Variables,
    problems: Vec<Problem>,
}

/// Checks the manifest `text`, whose paths are relative to `root`.
fn parse(text: &str, root: PathBuf, overrides: &Overrides) -> Result<Application, Vec<Problem>> {
    let mut check = Check { root, overrides, variables: Variables::default(), problems: Vec::new() };
    let value = match toml::from_str::<toml::Table>(text) {
        Ok(table) => Value::Table(table),
        Err(error) => return Err(vec![Problem::new("spin.toml", Fault::Malformed(error.to_string()))]),
    };
    let application =
        check.section::<schema::Manifest>("spin.toml", value).and_then(|sections| check.sections(sections));
    match application {
        Some(application) if check.problems.is_empty() => Ok(application),
        _ => Err(check.problems),
    }
}

impl Check<'_> {
    fn sections(&mut self, sections: schema::Manifest) -> Option<Application> {
        self.version(&sections.spin_manifest_version);
        let details = self.section::<schema::Details>("application", sections.application);
        if let Some(details) = &details {
            self.global_triggers(&details.trigger);
        }
        self.declare_variables(sections.variables);
        let ids: Vec<String> = sections.component.keys().cloned().collect();
        let triggers = self.triggers(sections.trigger);
        for (key, trigger) in &triggers {
            if let Target::Component(id) = &trigger.target
                && !ids.contains(id)
            {
                self.report(format!("{key}.component"), Fault::UnknownComponent { id: id.clone() });
            }
        }
        let components =
            sections.component.into_iter().filter_map(|(id, value)| self.component(id, value)).collect();
        let details = details?;
        let state_folder = self.root.join(STATE_FOLDER);
        Some(Application {
            name: details.name,
            version: Some(details.version).filter(|version| !version.is_empty()),
            components,
            state_folder: Some(state_folder),
            triggers: triggers.into_iter().map(|(_, trigger)| trigger).collect(),
        })
    }

    fn version(&mut self, version: &Value) {
        if version.as_integer() != Some(2) {
            self.report("spin_manifest_version", Fault::Version { found: version.to_string() });
        }
    }

    fn declare_variables(&mut self, declarations: BTreeMap<String, Value>) {
        for (name, value) in declarations {
            let key = format!("variables.{name}");
            if let Err(fault) = ids::check_variable_name(&name) {
                self.report(&key, fault);
            }
            let Some(variable) = self.section::<schema::Variable>(&key, value) else { continue };
            if variable.required == variable.default.is_some() {
                self.report(&key, Fault::Declaration);
            }
            let declared = self.variables.declare(&name, variable.default.as_deref(), self.overrides);
            if declared == Declared::WithoutValue && variable.required {
                let environment = variables::environment_name(&name);
                self.report(&key, Fault::MissingVariable { name, environment });
            }
        }
        for name in self.overrides.variables.keys() {
            if !self.variables.is_declared(name) {
                self.report(format!("--variable {name}"), Fault::UndeclaredVariable);
            }
        }
    }

    /// Reads one table, or reports why not.
    fn section<T: DeserializeOwned>(&mut self, key: &str, value: Value) -> Option<T> {
        value.try_into().map_err(|error| self.report(key, malformed(&error))).ok()
    }

    fn report(&mut self, key: impl Into<String>, fault: impl Into<Fault>) {
        self.problems.push(Problem::new(key, fault));
    }
}

fn malformed(error: &toml::de::Error) -> Fault {
    Fault::Malformed(error.to_string().trim().replace('\n', " "))
}

#[cfg(test)]
mod tests;
