//! Application variables: where their values come from, and the `{{ name }}` templates that use them.
//!
//! A value is the first of: the command line, `SPIN_VARIABLE_<NAME>` in the process's environment, the manifest's default.
//! Every value is known before anything is served. A template has no escapes and no filters.

use std::collections::BTreeMap;

use thiserror::Error;

use crate::application::Overrides;

/// Why a template has no value.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are named for what the message says of them")]
pub enum TemplateFault {
    /// `{{` without `}}`.
    #[error("`{{{{` without `}}}}` in `{template}`")]
    Unmatched { template: String },
    /// A variable that the manifest does not declare.
    #[error("`{variable}` is not declared in `[variables]`")]
    Unknown { variable: String },
}

/// Text with variables in it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Template(Vec<Part>);

#[derive(Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Variable(String),
}

impl Template {
    /// Parses `text`.
    ///
    /// # Errors
    /// [`TemplateFault::Unmatched`].
    pub(crate) fn parse(text: &str) -> Result<Self, TemplateFault> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let (variable, after) = after
                .split_once("}}")
                .ok_or_else(|| TemplateFault::Unmatched { template: text.to_owned() })?;
            parts.push(Part::Text(before.to_owned()));
            parts.push(Part::Variable(variable.trim().to_owned()));
            rest = after;
        }
        parts.push(Part::Text(rest.to_owned()));
        parts.retain(|part| !matches!(part, Part::Text(text) if text.is_empty()));
        Ok(Self(parts))
    }
}

/// The declared variables and their values.
#[derive(Debug, Default)]
pub(crate) struct Variables {
    // Invariant: `None` only for a variable whose problem has been reported.
    values: BTreeMap<String, Option<String>>,
}

impl Variables {
    /// Declares a variable. Without any value it counts as declared, and the caller reports it.
    pub(crate) fn declare(&mut self, name: &str, default: Option<&str>, overrides: &Overrides) -> Declared {
        let value = overrides
            .variables
            .get(name)
            .or_else(|| overrides.process.get(&environment_name(name)))
            .map(String::as_str)
            .or(default);
        self.values.insert(name.to_owned(), value.map(str::to_owned));
        if value.is_some() { Declared::WithValue } else { Declared::WithoutValue }
    }

    /// Whether the manifest declares `name`.
    pub(crate) fn is_declared(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// The text of `template` with every variable replaced by its value.
    ///
    /// # Errors
    /// [`TemplateFault`] if `template` cannot be parsed or uses an undeclared variable.
    pub(crate) fn resolve(&self, template: &str) -> Result<String, TemplateFault> {
        Template::parse(template)?.0.iter().map(|part| self.value(part)).collect()
    }

    fn value<'a>(&'a self, part: &'a Part) -> Result<&'a str, TemplateFault> {
        match part {
            Part::Text(text) => Ok(text),
            Part::Variable(name) => match self.values.get(name) {
                Some(value) => Ok(value.as_deref().unwrap_or_default()),
                None => Err(TemplateFault::Unknown { variable: name.clone() }),
            },
        }
    }
}

/// Whether a declared variable has a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Declared {
    WithValue,
    WithoutValue,
}

/// The environment variable of the process that can hold the value of `variable`.
pub(crate) fn environment_name(variable: &str) -> String {
    format!("SPIN_VARIABLE_{}", variable.to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overrides(command_line: &[(&str, &str)], process: &[(&str, &str)]) -> Overrides {
        let map = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        Overrides { variables: map(command_line), process: map(process), environment: Vec::new() }
    }

    #[track_caller]
    fn check_template(template: &str, expected: Result<&str, TemplateFault>) {
        let mut variables = Variables::default();
        variables.declare("host", Some("example.com"), &Overrides::default());
        variables.declare("port", Some("8080"), &Overrides::default());
        assert_eq!(variables.resolve(template), expected.map(str::to_owned), "`{template}`");
    }

    #[test]
    fn templates_are_replaced_by_values() {
        check_template("", Ok(""));
        check_template("plain", Ok("plain"));
        check_template("{{host}}", Ok("example.com"));
        check_template("http://{{ host }}:{{ port }}/", Ok("http://example.com:8080/"));
        check_template("{ host } }}", Ok("{ host } }}"));
    }

    #[test]
    fn templates_that_cannot_be_resolved_are_faults() {
        check_template("a {{ host", Err(TemplateFault::Unmatched { template: "a {{ host".to_owned() }));
        check_template("{{ nobody }}", Err(TemplateFault::Unknown { variable: "nobody".to_owned() }));
        check_template("{{ }}", Err(TemplateFault::Unknown { variable: String::new() }));
    }

    #[track_caller]
    fn check_value(overrides: &Overrides, default: Option<&str>, expected: (Declared, &str)) {
        let mut variables = Variables::default();
        let declared = variables.declare("api_host", default, overrides);
        assert_eq!((declared, variables.resolve("{{ api_host }}").unwrap().as_str()), expected);
    }

    #[test]
    fn the_command_line_beats_the_environment_beats_the_default() {
        let both = overrides(&[("api_host", "flag")], &[("SPIN_VARIABLE_API_HOST", "environment")]);
        check_value(&both, Some("default"), (Declared::WithValue, "flag"));
        let environment = overrides(&[], &[("SPIN_VARIABLE_API_HOST", "environment")]);
        check_value(&environment, Some("default"), (Declared::WithValue, "environment"));
        check_value(&Overrides::default(), Some("default"), (Declared::WithValue, "default"));
        check_value(&Overrides::default(), None, (Declared::WithoutValue, ""));
    }
}
