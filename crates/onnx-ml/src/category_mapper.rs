//! `CategoryMapper`: strings to integers, or integers to strings.
//!
//! Specification: <https://onnx.ai/onnx/operators/onnx_aionnxml_CategoryMapper.html>

use crate::error::check_len;
use crate::label_encoder::LabelEncoder;
use crate::{Attributes, Result};

/// The mapping that the attributes describe, in both directions: the input's type chooses.
///
/// # Errors
/// If there are not as many strings as integers.
pub fn from_attributes(attributes: &Attributes<'_>) -> Result<LabelEncoder> {
    let strings = attributes.texts("cats_strings")?;
    let ints = attributes.ints("cats_int64s")?;
    check_len("cats_strings", strings.len(), ints.len(), "`cats_int64s`")?;
    let default_int = attributes.int("default_int64")?.unwrap_or(-1);
    let default_string = attributes.text("default_string")?.unwrap_or("_Unused");
    Ok(LabelEncoder::between(strings, ints, default_int, default_string))
}
