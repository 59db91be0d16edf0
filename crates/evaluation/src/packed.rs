//! Lists of numbers in JSON by their bytes: `{"datatype": "FP32", "shape": [2], "b64": "AACAPwAAIEA="}`, little-endian, in base64. Digits cost
//! more to write and to read than the numbers to count.

use base64_simd::STANDARD;
use serde_json::Value as Json;

/// The numbers, if the value is such a list.
pub(crate) fn numbers(value: &Json) -> Option<Vec<f64>> {
    let bytes = || STANDARD.decode_to_vec(value.get("b64")?.as_str()?).ok();
    match value.get("datatype")?.as_str()? {
        "FP32" => Some(bytes()?.as_chunks().0.iter().map(|it| f64::from(f32::from_le_bytes(*it))).collect()),
        "FP64" => Some(bytes()?.as_chunks().0.iter().map(|it| f64::from_le_bytes(*it)).collect()),
        _ => None,
    }
}
