//! `[component.<id>]`: what a component is and what it may use.

use std::{collections::BTreeMap, path::PathBuf};

use toml::{Table, Value};

use super::{Check, schema};
use crate::{
    application::{Build, Component, Dependency, Source},
    error::Fault,
    files::{self, Files, Mount},
    ids,
    interfaces::DEFAULT_LABEL,
    outbound::AllowedHosts,
};

const LOCAL_ONLY: &str = "give the path of a local file";

impl Check<'_> {
    /// Checks one component; `None` if too little of it is right to go on.
    pub(super) fn component(&mut self, id: String, value: Value) -> Option<Component> {
        let key = format!("component.{id}");
        if let Err(fault) = ids::check_component_id(&id) {
            self.report(&key, fault);
        }
        let component = self.section::<schema::Component>(&key, value)?;
        self.unsupported(&key, &component);
        self.labels(&format!("{key}.sqlite_databases"), &component.sqlite_databases);
        self.labels(&format!("{key}.key_value_stores"), &component.key_value_stores);
        let source = self.source(&key, component.source);
        let dependencies = self.dependencies(&key, component.dependencies);
        let variables = self.component_variables(&key, component.variables);
        let files = self.files(&key, component.files, component.exclude_files);
        let allowed_outbound_hosts = self.allowed_hosts(&key, &component.allowed_outbound_hosts);
        let build = component.build.and_then(|build| self.build(&key, build));
        Some(Component {
            id,
            description: component.description.filter(|description| !description.is_empty()),
            source: Source::File(source?),
            dependencies,
            dependencies_inherit_configuration: component.dependencies_inherit_configuration,
            environment: self.environment(component.environment),
            variables,
            sqlite_databases: component.sqlite_databases,
            key_value_stores: component.key_value_stores,
            files,
            allowed_outbound_hosts,
            build,
        })
    }

    fn unsupported(&mut self, key: &str, component: &schema::Component) {
        if !component.ai_models.is_empty() {
            self.report(format!("{key}.ai_models"), Fault::Unsupported);
        }
        if !component.allowed_http_hosts.is_empty() {
            let instead = "use `allowed_outbound_hosts`";
            let fault = Fault::UnsupportedForm { form: "the deprecated key", instead };
            self.report(format!("{key}.allowed_http_hosts"), fault);
        }
    }

    /// What a label stands for is defined outside of the manifest, for all but one.
    fn labels(&mut self, key: &str, labels: &[String]) {
        for label in labels.iter().filter(|label| *label != DEFAULT_LABEL) {
            self.report(key, Fault::UndefinedLabel { label: label.clone() });
        }
    }

    fn source(&mut self, key: &str, source: Value) -> Option<PathBuf> {
        let key = format!("{key}.source");
        match source {
            Value::String(path) => return Some(self.root.join(path)),
            Value::Table(table) => self.report(key, remote(&table)),
            _ => self.report(key, Fault::Malformed("write the path of a file".to_owned())),
        }
        None
    }

    fn dependencies(&mut self, key: &str, dependencies: BTreeMap<String, Value>) -> Vec<Dependency> {
        let mut found = Vec::new();
        for (name, value) in dependencies {
            let key = format!("{key}.dependencies.\"{name}\"");
            match value {
                Value::Table(table) if table.contains_key("path") => {
                    let dependency = self.section::<schema::LocalDependency>(&key, Value::Table(table));
                    if dependency.as_ref().is_some_and(|dependency| dependency.export.is_some()) {
                        self.report(format!("{key}.export"), Fault::Unsupported);
                    }
                    found.extend(dependency.map(|it| Dependency { name, path: self.root.join(it.path) }));
                }
                Value::Table(table) => self.report(key, remote(&table)),
                _ => self.report(key, Fault::UnsupportedForm { form: "a registry", instead: LOCAL_ONLY }),
            }
        }
        found
    }

    fn component_variables(
        &mut self,
        key: &str,
        variables: BTreeMap<String, String>,
    ) -> BTreeMap<String, String> {
        let mut resolved = BTreeMap::new();
        for (name, template) in variables {
            let key = format!("{key}.variables.{name}");
            if let Err(fault) = ids::check_variable_name(&name) {
                self.report(&key, fault);
            }
            match self.variables.resolve(&template) {
                Ok(value) => drop(resolved.insert(name, value)),
                Err(fault) => self.report(key, fault),
            }
        }
        resolved
    }

    fn files(&mut self, key: &str, entries: Vec<Value>, exclude: Vec<String>) -> Files {
        let mut files = Files { root: self.root.clone(), ..Files::default() };
        for (index, entry) in entries.into_iter().enumerate() {
            files.mounts.extend(self.mount(format!("{key}.files[{index}]"), entry));
        }
        for (index, pattern) in exclude.iter().enumerate() {
            match files::parse_pattern(pattern) {
                Ok(pattern) => files.exclude.push(pattern),
                Err(reason) => self.report(format!("{key}.exclude_files[{index}]"), Fault::Files(reason)),
            }
        }
        files
    }

    fn mount(&mut self, key: String, entry: Value) -> Option<Mount> {
        let mount = match entry {
            Value::String(pattern) => Mount::Pattern(pattern),
            Value::Table(_) => {
                let schema::Placement { source, destination } = self.section(&key, entry)?;
                Mount::Placement { source, destination }
            }
            _ => {
                let expected = "write a pattern or `{ source = …, destination = … }`";
                self.report(key, Fault::Malformed(expected.to_owned()));
                return None;
            }
        };
        match mount.check() {
            Ok(()) => Some(mount),
            Err(reason) => {
                self.report(key, Fault::Files(reason));
                None
            }
        }
    }

    fn allowed_hosts(&mut self, key: &str, entries: &[String]) -> AllowedHosts {
        let mut allowed = AllowedHosts::default();
        for (index, entry) in entries.iter().enumerate() {
            let parsed = match self.variables.resolve(entry) {
                Ok(entry) => AllowedHosts::parse([entry.as_str()]).map_err(Fault::from),
                Err(fault) => Err(fault.into()),
            };
            match parsed {
                Ok(hosts) => allowed.extend(hosts),
                Err(fault) => self.report(format!("{key}.allowed_outbound_hosts[{index}]"), fault),
            }
        }
        allowed
    }

    fn build(&mut self, key: &str, build: Value) -> Option<Build> {
        let build = self.section::<schema::Build>(&format!("{key}.build"), build)?;
        let commands = match build.command {
            schema::Commands::One(command) => vec![command],
            schema::Commands::Several(commands) => commands,
        };
        Some(Build { commands, folder: self.root.join(build.workdir) })
    }

    fn environment(&self, mut environment: BTreeMap<String, String>) -> Vec<(String, String)> {
        environment.extend(self.overrides.environment.iter().cloned());
        environment.into_iter().collect()
    }
}

fn remote(table: &Table) -> Fault {
    let form = if table.contains_key("url") {
        "`url`"
    } else if table.contains_key("registry") || table.contains_key("version") {
        "a registry"
    } else {
        "this form"
    };
    Fault::UnsupportedForm { form, instead: LOCAL_ONLY }
}
