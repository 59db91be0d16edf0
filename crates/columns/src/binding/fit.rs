//! Which columns fit which inputs, by their types.

use arrow_schema::{DataType, Field};
use tensor::{Datatype, TensorSpec};

use super::Column;
use super::bound::Source;
use crate::Problem;

/// The most names that a message lists.
const MAX_NAMES: usize = 40;

/// How the column of an input's name is read.
pub(super) fn source(input: &TensorSpec, column: &Column<'_>) -> Result<Source, Problem> {
    let name = column.field.name().clone();
    let is_scalar = matches!(input.row_shape(), [] | [1]);
    if is_scalar && list_element(column.field.data_type()).is_none() {
        scalars(input.datatype, column.field)?;
        return Ok(Source::Scalars(vec![(column.place, name)]));
    }
    let sizes = sizes(input, column.field.data_type()).ok_or_else(|| {
        let expected = format!("{} of {}", lists_of(input.row_shape()), elements_of(input.datatype));
        Problem::new(&name, &expected, &found(column.field.data_type()))
    })?;
    Ok(Source::Lists { column: column.place, name, sizes })
}

/// Checks that the elements of a column fit an input.
pub(super) fn scalars(input: Datatype, column: &Field) -> Result<(), Problem> {
    if fits(input, column.data_type()) {
        return Ok(());
    }
    Err(Problem::new(column.name(), elements_of(input), &found(column.data_type())))
}

/// Names, shortened if there are many.
pub(super) fn list(names: &[String]) -> String {
    if names.is_empty() {
        return "no columns".to_owned();
    }
    let listed: Vec<String> = names.iter().take(MAX_NAMES).map(|name| format!("`{name}`")).collect();
    let more = if names.len() > MAX_NAMES { ", …" } else { "" };
    format!("{}{more}", listed.join(", "))
}

/// The sizes of the lists of a column, outermost first, if their elements fit the input: those of a row's shape, or their product.
fn sizes(input: &TensorSpec, column: &DataType) -> Option<Vec<usize>> {
    let shape: Option<Vec<usize>> = input.row_shape().iter().map(|&dim| usize::try_from(dim).ok()).collect();
    let shape = shape?;
    let flat = vec![shape.iter().try_fold(1_usize, |product, &dim| product.checked_mul(dim))?];
    [shape, flat].into_iter().find(|sizes| has_sizes(column, sizes, input.datatype))
}

fn has_sizes(column: &DataType, sizes: &[usize], input: Datatype) -> bool {
    match (sizes.split_first(), list_element(column)) {
        (None, None) => fits(input, column),
        (Some((&size, sizes)), Some((element, fixed))) => {
            fixed.is_none_or(|fixed| usize::try_from(fixed) == Ok(size)) && has_sizes(element, sizes, input)
        }
        _ => false,
    }
}

/// What lists hold, and of which size they are if they are all of one.
fn list_element(column: &DataType) -> Option<(&DataType, Option<i32>)> {
    match column {
        DataType::List(element) | DataType::LargeList(element) => Some((element.data_type(), None)),
        DataType::FixedSizeList(element, size) => Some((element.data_type(), Some(*size))),
        _ => None,
    }
}

fn fits(input: Datatype, column: &DataType) -> bool {
    let is_text = matches!(column, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    match (input, column) {
        (_, DataType::Dictionary(_, values)) => fits(input, values),
        (_, DataType::Null) => true,
        (Datatype::Bytes, DataType::Binary | DataType::LargeBinary | DataType::BinaryView) => true,
        (Datatype::Bytes, _) => is_text,
        (Datatype::Bool, _) => is_text || *column == DataType::Boolean,
        (Datatype::Fp16 | Datatype::Bf16, _) => is_number(column),
        (Datatype::Fp32 | Datatype::Fp64, _) => is_text || is_number(column),
        _ => is_text || column.is_integer(),
    }
}

fn is_number(column: &DataType) -> bool {
    column.is_integer() || matches!(column, DataType::Float16 | DataType::Float32 | DataType::Float64)
}

fn elements_of(input: Datatype) -> &'static str {
    match input {
        Datatype::Bytes => "texts or binaries",
        Datatype::Bool => "booleans, or `true` and `false` as texts",
        Datatype::Fp16 | Datatype::Bf16 => "numbers",
        Datatype::Fp32 | Datatype::Fp64 => "numbers, also as texts",
        _ => "whole numbers, also as texts",
    }
}

fn lists_of(row_shape: &[i64]) -> String {
    let flat: i64 = row_shape.iter().product();
    match row_shape {
        [_] => format!("lists of `{flat}` elements"),
        shape => format!("lists in lists of shape `{shape:?}` or lists of `{flat}` elements"),
    }
}

fn found(column: &DataType) -> String {
    format!("a column of type `{column}`")
}
