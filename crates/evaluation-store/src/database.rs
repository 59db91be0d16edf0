//! What the store needs of a database, and in what the two dialects of SQL differ. Not a general layer over SQL.

use std::borrow::Cow;

use crate::{Error, Result, schema};

/// A connection, on which statements are carried out one after the other.
pub trait Database {
    /// The dialect of its statements.
    fn dialect(&self) -> Dialect;

    /// Carries out a statement with these parameters, `$1` and so on, and gives the rows that it returns.
    ///
    /// # Errors
    /// What the database says.
    fn execute(&self, statement: &str, parameters: &[Value]) -> std::result::Result<Vec<Vec<Value>>, String>;
}

/// A parameter, or a value of a column.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A whole number.
    Integer(i64),
    /// A number.
    Real(f64),
    /// A text.
    Text(String),
    /// None.
    Null,
}

impl Value {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    pub(crate) fn into_text(self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) const fn integer(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(*number),
            _ => None,
        }
    }

    pub(crate) const fn real(&self) -> Option<f64> {
        match self {
            Self::Real(number) => Some(*number),
            Self::Integer(number) => Some(*number as f64),
            _ => None,
        }
    }
}

/// Whose SQL it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite from 3.38 on.
    Sqlite,
    /// PostgreSQL from 12 on.
    Postgres,
}

/// A column of rows that are given to a statement as JSON.
#[derive(Clone, Copy, Debug)]
pub struct Column(pub &'static str, pub ColumnType);

/// What its values are.
#[derive(Clone, Copy, Debug)]
pub enum ColumnType {
    /// Texts.
    Text,
    /// Whole numbers.
    Integer,
    /// Numbers.
    Real,
}

impl Dialect {
    /// A table of the rows in parameter `$n`, a JSON list of lists with these columns, in that order.
    pub(crate) fn rows(self, n: usize, columns: &[Column]) -> String {
        let column = |(idx, column): (usize, &Column)| self.column(idx, *column);
        let columns: Vec<String> = columns.iter().enumerate().map(column).collect();
        let source = match self {
            Self::Sqlite => format!("json_each(${n})"),
            Self::Postgres => format!("jsonb_array_elements(${n}::text::jsonb)"),
        };
        format!("(SELECT {} FROM {source}) AS given", columns.join(", "))
    }

    fn column(self, idx: usize, Column(name, kind): Column) -> String {
        match self {
            Self::Sqlite => format!("json_extract(value, '$[{idx}]') AS {name}"),
            Self::Postgres => {
                let kind = match kind {
                    ColumnType::Text => "text",
                    ColumnType::Integer => "bigint",
                    ColumnType::Real => "double precision",
                };
                format!("(value->>{idx})::{kind} AS {name}")
            }
        }
    }

    /// A statement with its parameters as this dialect writes them: they are `$1` here, which SQLite would number in the order of the text.
    fn parameters(self, statement: &str) -> Cow<'_, str> {
        if self == Self::Postgres {
            return Cow::Borrowed(statement);
        }
        let mut written = String::with_capacity(statement.len());
        let mut chars = statement.chars().peekable();
        while let Some(found) = chars.next() {
            let is_parameter = found == '$' && chars.peek().is_some_and(char::is_ascii_digit);
            written.push(if is_parameter { '?' } else { found });
        }
        Cow::Owned(written)
    }

    /// A statement in this dialect: types are written as SQLite has them.
    pub(crate) fn types(self, statement: &str) -> String {
        match self {
            Self::Sqlite => statement.to_owned(),
            Self::Postgres => statement
                .replace(
                    "INTEGER PRIMARY KEY AUTOINCREMENT",
                    "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
                )
                .replace("INTEGER", "BIGINT")
                .replace("REAL", "DOUBLE PRECISION"),
        }
    }
}

/// Carries out a statement; if a table is missing, makes all and carries it out once more.
pub(crate) fn execute(
    database: &impl Database,
    statement: &str,
    parameters: &[Value],
) -> Result<Vec<Vec<Value>>> {
    let failed = |reason| Error::Database { reason };
    let statement = &*database.dialect().parameters(statement);
    match database.execute(statement, parameters) {
        Err(reason) if is_missing_table(&reason) => {
            schema::make(database).map_err(failed)?;
            database.execute(statement, parameters).map_err(failed)
        }
        done => done.map_err(failed),
    }
}

fn is_missing_table(reason: &str) -> bool {
    reason.contains("no such table") || reason.contains("relation") && reason.contains("does not exist")
}

/// Carries out `work` in a transaction, which is undone if it fails.
pub(crate) fn transaction<D: Database, T>(database: &D, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let begin = match database.dialect() {
        Dialect::Sqlite => "BEGIN IMMEDIATE",
        Dialect::Postgres => "BEGIN",
    };
    execute(database, begin, &[])?;
    let worked = work();
    let end = if worked.is_ok() { "COMMIT" } else { "ROLLBACK" };
    let ended = execute(database, end, &[]);
    let worked = worked?;
    ended.map(|_| worked)
}
