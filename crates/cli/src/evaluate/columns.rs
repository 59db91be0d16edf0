//! The query that brings any file's columns into the few types that rows are made of: its parts and their places.

use anyhow::Result;
use batch::{ColumnKind, FileColumn, TABLE};
use evaluation::{Feature, Kind, Schema, Task};

use super::arguments::Data;
use crate::failure::Misuse;

/// The places of a row's parts among the columns of the query, which are numbers (64-bit) or texts.
#[derive(Debug)]
pub(super) struct Columns {
    pub(super) query: String,
    pub(super) n_features: usize,
    pub(super) prediction: Option<usize>,
    pub(super) label: Option<usize>,
    pub(super) probabilities: Vec<usize>,
    pub(super) time: Option<usize>,
    pub(super) key: Option<usize>,
    pub(super) client: Option<usize>,
    pub(super) segments: Vec<usize>,
}

struct Builder {
    expressions: Vec<String>,
}

impl Builder {
    fn text(&mut self, column: &str) -> usize {
        self.push(format!("arrow_cast({}, 'Utf8')", quoted(column)))
    }

    fn number(&mut self, expression: &str) -> usize {
        self.push(format!("arrow_cast({expression}, 'Float64')"))
    }

    fn push(&mut self, expression: String) -> usize {
        let place = self.expressions.len();
        self.expressions.push(format!("{expression} AS c{place}"));
        place
    }
}

impl Columns {
    /// The query for rows of `schema`.
    pub(super) fn new(schema: &Schema, data: &Data, segments: &[String]) -> Self {
        let mut builder = Builder { expressions: Vec::new() };
        for feature in &schema.features {
            match feature.kind {
                Kind::Number => builder.number(&element(&feature.name)),
                Kind::Category => builder.text(&feature.name),
            };
        }
        let is_number = schema.task == Task::Regression;
        let outcome = |builder: &mut Builder, column: &String| {
            if is_number { builder.number(&quoted(column)) } else { builder.text(column) }
        };
        let prediction = data.prediction.as_ref().map(|column| outcome(&mut builder, column));
        let label = data.label.as_ref().map(|column| outcome(&mut builder, column));
        let classes = schema.task.classes();
        let probabilities = probabilities(data, classes).iter().map(|it| builder.number(it)).collect();
        let mut text = |column: &Option<String>| column.as_ref().map(|column| builder.text(column));
        let (time, key, client) = (text(&data.time), text(&data.key), text(&data.client));
        let segments = segments.iter().map(|column| builder.text(column)).collect();
        Self {
            query: format!("SELECT {} FROM {TABLE}", builder.expressions.join(", ")),
            n_features: schema.features.len(),
            prediction,
            label,
            probabilities,
            time,
            key,
            client,
            segments,
        }
    }
}

/// The expressions of the classes' probabilities, none if there are none.
fn probabilities(data: &Data, classes: &[String]) -> Vec<String> {
    if let Some(column) = &data.probabilities {
        return (1..=classes.len()).map(|place| format!("{}[{place}]", quoted(column))).collect();
    }
    let of_class = |class: &String| data.probability.iter().find(|(name, _)| name == class);
    classes.iter().filter_map(of_class).map(|(_, column)| quoted(column)).collect()
}

/// The features that files have: every column that is nothing else, each element of a list being one.
pub(super) fn features(columns: &[FileColumn], wanted: &[String], other: &[&str]) -> Result<Vec<Feature>> {
    let is_wanted = |name: &str| {
        if wanted.is_empty() { !other.contains(&name) } else { wanted.iter().any(|it| it == name) }
    };
    let mut features = Vec::new();
    for column in columns.iter().filter(|column| is_wanted(&column.name)) {
        let name = &column.name;
        match column.kind {
            ColumnKind::Number => features.push(Feature { name: name.clone(), kind: Kind::Number }),
            ColumnKind::Text => features.push(Feature { name: name.clone(), kind: Kind::Category }),
            ColumnKind::Numbers(len) => features
                .extend((0..len).map(|idx| Feature { name: format!("{name}[{idx}]"), kind: Kind::Number })),
            ColumnKind::Other if wanted.is_empty() => {}
            ColumnKind::Other => {
                let message =
                    format!("--features: expected numbers, text or lists of numbers, found `{name}`");
                return Err(Misuse(message).into());
            }
        }
    }
    if let Some(missing) = wanted.iter().find(|name| !columns.iter().any(|column| column.name == **name)) {
        return Err(Misuse(format!("--features: expected a column of the files, found `{missing}`")).into());
    }
    Ok(features)
}

/// A feature's expression: `x[3]` is the fourth element of the list `x`, unless it is a column's own name.
fn element(name: &str) -> String {
    let parts = name.strip_suffix(']').and_then(|name| name.rsplit_once('['));
    match parts.and_then(|(column, idx)| Some((column, idx.parse::<usize>().ok()?))) {
        Some((column, idx)) => format!("{}[{}]", quoted(column), idx + 1),
        None => quoted(name),
    }
}

pub(super) fn quoted(column: &str) -> String {
    format!("\"{}\"", column.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_counted_from_one_in_queries() {
        assert_eq!(element("x[0]"), "\"x\"[1]");
        assert_eq!(element("x"), "\"x\"");
        assert_eq!(element("x[a]"), "\"x[a]\"");
        assert_eq!(element("a\"b"), "\"a\"\"b\"");
    }

    #[test]
    fn features_are_all_columns_that_are_nothing_else() {
        let column = |name: &str, kind| FileColumn { name: name.to_owned(), kind };
        let columns = [
            column("key", ColumnKind::Text),
            column("x", ColumnKind::Numbers(2)),
            column("city", ColumnKind::Text),
            column("when", ColumnKind::Other),
        ];
        let names = |wanted: &[&str]| {
            let wanted: Vec<String> = wanted.iter().map(|name| (*name).to_owned()).collect();
            let found = features(&columns, &wanted, &["key"]).map_err(|error| error.to_string())?;
            Ok(found.into_iter().map(|feature| feature.name).collect::<Vec<_>>())
        };
        let owned = |names: &[&str]| Ok(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        assert_eq!(names(&[]), owned(&["x[0]", "x[1]", "city"]));
        assert_eq!(names(&["city"]), owned(&["city"]));
        assert_eq!(
            names(&["when"]),
            Err("--features: expected numbers, text or lists of numbers, found `when`".to_owned())
        );
        assert_eq!(names(&["y"]), Err("--features: expected a column of the files, found `y`".to_owned()));
    }
}
