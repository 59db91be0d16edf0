//! The schema of a stream: checked before it is translated, for the translation takes it to be well-formed.
//!
//! Source: Arrow's `Schema.fbs`, <https://github.com/apache/arrow/blob/main/format/Schema.fbs>.

use std::collections::HashMap;

use arrow_ipc::convert::fb_to_schema;
use arrow_ipc::{DateUnit, Endianness, Precision, TimeUnit, Type};
use arrow_schema::{DataType, Field, Schema};

use super::super::error::Result;
use super::malformed;

/// The types of the dictionaries' values, by the dictionaries' ids.
pub(super) type Dictionaries = HashMap<i64, Field>;

/// The most digits of a decimal of 128 bits.
const MAX_DECIMAL_DIGITS: i32 = 38;

/// The columns and the dictionaries.
///
/// # Errors
/// [`Error::Malformed`](super::Error::Malformed) if a column has a type that is not read here.
pub(super) fn read_schema(schema: arrow_ipc::Schema<'_>) -> Result<(Schema, Dictionaries)> {
    if schema.endianness() != Endianness::Little {
        return Err(malformed("expected little-endian numbers, found big-endian ones"));
    }
    let fields = schema.fields().ok_or_else(|| malformed("expected columns, found none"))?;
    if let Some(field) = fields.iter().find(|field| !is_known(*field)) {
        let name = field.name().unwrap_or_default();
        let found = field.type_type().variant_name().unwrap_or("unknown");
        return Err(malformed(format!(
            "column `{name}`: a type that is not read here, of the kind `{found}`"
        )));
    }
    let schema = fb_to_schema(schema);
    let mut dictionaries = Dictionaries::new();
    schema.fields().iter().for_each(|field| add_dictionaries(field, &mut dictionaries));
    Ok((schema, dictionaries))
}

fn is_known(field: arrow_ipc::Field<'_>) -> bool {
    let is_dictionary_known = field.dictionary().is_none_or(|dictionary| {
        let width = dictionary.indexType().map(|index| index.bitWidth());
        matches!(width, Some(8 | 16 | 32 | 64)) && is_simple(field)
    });
    field.name().is_some() && is_dictionary_known && is_type_known(field)
}

/// Whether a type has no types within.
fn is_simple(field: arrow_ipc::Field<'_>) -> bool {
    !matches!(
        field.type_type(),
        Type::List | Type::LargeList | Type::FixedSizeList | Type::Struct_ | Type::Null
    )
}

fn is_type_known(field: arrow_ipc::Field<'_>) -> bool {
    match field.type_type() {
        Type::Null | Type::Bool | Type::Binary | Type::LargeBinary | Type::BinaryView => true,
        Type::Utf8 | Type::LargeUtf8 | Type::Utf8View => true,
        Type::Int => field.type_as_int().is_some_and(|int| matches!(int.bitWidth(), 8 | 16 | 32 | 64)),
        Type::FloatingPoint => field.type_as_floating_point().is_some_and(|float| {
            [Precision::HALF, Precision::SINGLE, Precision::DOUBLE].contains(&float.precision())
        }),
        Type::FixedSizeBinary => {
            field.type_as_fixed_size_binary().is_some_and(|binary| binary.byteWidth() > 0)
        }
        Type::List | Type::LargeList => has_one_child(field),
        Type::FixedSizeList => {
            has_one_child(field) && field.type_as_fixed_size_list().is_some_and(|list| list.listSize() > 0)
        }
        Type::Struct_ => {
            field.children().is_some_and(|children| !children.is_empty() && children.iter().all(is_known))
        }
        _ => is_time_or_decimal(field),
    }
}

fn is_time_or_decimal(field: arrow_ipc::Field<'_>) -> bool {
    let is_unit = |unit: TimeUnit| TimeUnit::ENUM_VALUES.contains(&unit);
    match field.type_type() {
        Type::Date => field.type_as_date().is_some_and(|date| DateUnit::ENUM_VALUES.contains(&date.unit())),
        Type::Time => field.type_as_time().is_some_and(|time| {
            let is_short = [TimeUnit::SECOND, TimeUnit::MILLISECOND].contains(&time.unit());
            is_unit(time.unit()) && time.bitWidth() == if is_short { 32 } else { 64 }
        }),
        Type::Timestamp => field.type_as_timestamp().is_some_and(|timestamp| is_unit(timestamp.unit())),
        Type::Duration => field.type_as_duration().is_some_and(|duration| is_unit(duration.unit())),
        Type::Decimal => field.type_as_decimal().is_some_and(|decimal| {
            let digits = 1..=MAX_DECIMAL_DIGITS;
            decimal.bitWidth() == 128
                && digits.contains(&decimal.precision())
                && (0..=decimal.precision()).contains(&decimal.scale())
        }),
        _ => false,
    }
}

fn has_one_child(field: arrow_ipc::Field<'_>) -> bool {
    field.children().is_some_and(|children| children.len() == 1 && children.iter().all(is_known))
}

fn add_dictionaries(field: &Field, dictionaries: &mut Dictionaries) {
    match field.data_type() {
        DataType::Dictionary(_, values) => {
            if let Some(id) = dictionary_id(field) {
                dictionaries.insert(id, Field::new("values", values.as_ref().clone(), true));
            }
        }
        DataType::List(child) | DataType::LargeList(child) | DataType::FixedSizeList(child, _) => {
            add_dictionaries(child, dictionaries);
        }
        DataType::Struct(children) => children.iter().for_each(|child| add_dictionaries(child, dictionaries)),
        _ => {}
    }
}

/// The id under which the stream has a column's dictionary.
pub(super) fn dictionary_id(field: &Field) -> Option<i64> {
    #[expect(deprecated, reason = "the one way to the id that a schema was read with")]
    field.dict_id()
}
