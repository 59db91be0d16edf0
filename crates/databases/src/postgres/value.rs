//! Values of parameters and columns. What has no counterpart in Spin's interface has no value here either.

use std::error::Error as StdError;

use bytes::BytesMut;
use tokio_postgres::{
    Row,
    types::{FromSql, IsNull, ToSql, Type, to_sql_checked},
};

use crate::Result;

/// What a conversion answers.
type Converted<T> = std::result::Result<T, Box<dyn StdError + Sync + Send>>;

/// A value of a column or a parameter.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `boolean`.
    Boolean(bool),
    /// `"char"`, as a parameter only.
    Int8(i8),
    /// `smallint`.
    Int16(i16),
    /// `integer`.
    Int32(i32),
    /// `bigint`.
    Int64(i64),
    /// `real`.
    Floating32(f32),
    /// `double precision`.
    Floating64(f64),
    /// `text`, `varchar` and `char(n)`; as a parameter also `name` and `citext`.
    Text(String),
    /// `bytea`.
    Binary(Vec<u8>),
    /// `NULL`, of any type.
    Null,
}

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataType {
    /// `boolean`.
    Boolean,
    /// `smallint`.
    Int16,
    /// `integer`.
    Int32,
    /// `bigint`.
    Int64,
    /// `real`.
    Floating32,
    /// `double precision`.
    Floating64,
    /// `text`, `varchar` or `char(n)`.
    Text,
    /// `bytea`.
    Binary,
    /// Any other: its values are not given. Cast it in the statement, such as `x::text`.
    Other,
}

/// A column of what a statement returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type.
    pub data_type: DataType,
}

/// What a statement returned.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// Its columns; none if there is no row, as in Spin.
    pub columns: Vec<Column>,
    /// Its rows, each with a value per column, or `None` for one of a type that has no value here.
    pub rows: Vec<Vec<Option<Value>>>,
}

impl Table {
    /// Adds a row, and with the first one the columns.
    pub(super) fn push(&mut self, row: &Row) -> Result<()> {
        if self.rows.is_empty() {
            self.columns = row.columns().iter().map(column).collect();
        }
        self.rows.push((0..row.len()).map(|index| cell(row, index)).collect::<Result<_>>()?);
        Ok(())
    }
}

fn column(column: &tokio_postgres::Column) -> Column {
    Column { name: column.name().to_owned(), data_type: data_type(column.type_()) }
}

fn cell(row: &Row, index: usize) -> Result<Option<Value>> {
    let is_known = |column: &&tokio_postgres::Column| data_type(column.type_()) != DataType::Other;
    if row.columns().get(index).filter(is_known).is_none() {
        return Ok(None);
    }
    let value: Option<Value> = row.try_get(index)?;
    Ok(Some(value.unwrap_or(Value::Null)))
}

fn data_type(of: &Type) -> DataType {
    match *of {
        Type::BOOL => DataType::Boolean,
        Type::INT2 => DataType::Int16,
        Type::INT4 => DataType::Int32,
        Type::INT8 => DataType::Int64,
        Type::FLOAT4 => DataType::Floating32,
        Type::FLOAT8 => DataType::Floating64,
        Type::TEXT | Type::VARCHAR | Type::BPCHAR => DataType::Text,
        Type::BYTEA => DataType::Binary,
        _ => DataType::Other,
    }
}

impl FromSql<'_> for Value {
    fn from_sql(of: &Type, raw: &[u8]) -> Converted<Self> {
        Ok(match data_type(of) {
            DataType::Boolean => Self::Boolean(bool::from_sql(of, raw)?),
            DataType::Int16 => Self::Int16(i16::from_sql(of, raw)?),
            DataType::Int32 => Self::Int32(i32::from_sql(of, raw)?),
            DataType::Int64 => Self::Int64(i64::from_sql(of, raw)?),
            DataType::Floating32 => Self::Floating32(f32::from_sql(of, raw)?),
            DataType::Floating64 => Self::Floating64(f64::from_sql(of, raw)?),
            DataType::Text => Self::Text(String::from_sql(of, raw)?),
            DataType::Binary => Self::Binary(Vec::from_sql(of, raw)?),
            DataType::Other => return Err(format!("`{of}` has no value here").into()),
        })
    }

    fn accepts(of: &Type) -> bool {
        data_type(of) != DataType::Other
    }
}

/// A parameter must have the type that the statement wants; nothing is converted, as in Spin.
impl ToSql for Value {
    fn to_sql(&self, wanted: &Type, out: &mut BytesMut) -> Converted<IsNull> {
        match self {
            Self::Boolean(value) => value.to_sql_checked(wanted, out),
            Self::Int8(value) => value.to_sql_checked(wanted, out),
            Self::Int16(value) => value.to_sql_checked(wanted, out),
            Self::Int32(value) => value.to_sql_checked(wanted, out),
            Self::Int64(value) => value.to_sql_checked(wanted, out),
            Self::Floating32(value) => value.to_sql_checked(wanted, out),
            Self::Floating64(value) => value.to_sql_checked(wanted, out),
            Self::Text(value) => value.to_sql_checked(wanted, out),
            Self::Binary(value) => value.to_sql_checked(wanted, out),
            Self::Null => Ok(IsNull::Yes),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}
