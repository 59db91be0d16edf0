//! Whether a body is the expected one.

use serde_json::Value;

/// The first difference between `found` and `expected`, or none. Numbers may differ by `tolerance` times the larger of the
/// expected value and 1; members of objects may come in any order.
#[must_use]
pub fn difference(found: &Value, expected: &Value, tolerance: f64) -> Option<String> {
    differs_at("$", found, expected, tolerance)
}

fn differs_at(path: &str, found: &Value, expected: &Value, tolerance: f64) -> Option<String> {
    let same = match (found, expected) {
        (Value::Object(found), Value::Object(expected)) if found.keys().len() == expected.keys().len() => {
            return expected.iter().find_map(|(name, expected)| {
                let found = found.get(name).unwrap_or(&Value::Null);
                differs_at(&format!("{path}.{name}"), found, expected, tolerance)
            });
        }
        (Value::Array(found), Value::Array(expected)) if found.len() == expected.len() => {
            return found.iter().zip(expected).enumerate().find_map(|(idx, (found, expected))| {
                differs_at(&format!("{path}[{idx}]"), found, expected, tolerance)
            });
        }
        (Value::Number(found), Value::Number(expected)) if found.is_f64() || expected.is_f64() => {
            let (found, expected) = (found.as_f64()?, expected.as_f64()?);
            (found - expected).abs() <= tolerance * expected.abs().max(1.0)
        }
        _ => found == expected,
    };
    (!same).then(|| format!("{path}: expected {expected}, found {found}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_are_compared_with_tolerance_and_the_rest_without() {
        let expected = json!({"key": "a", "n": 1, "y": [0.5, 200.0]});
        let near = json!({"y": [0.500_001, 200.001], "key": "a", "n": 1});
        assert_eq!(difference(&near, &expected, 1e-5), None);
        for far in [
            json!({"key": "a", "n": 1, "y": [0.501, 200.0]}),
            json!({"key": "b", "n": 1, "y": [0.5, 200.0]}),
            json!({"key": "a", "n": 2, "y": [0.5, 200.0]}),
            json!({"key": "a", "n": 1, "y": [0.5]}),
            json!({"key": "a", "n": 1}),
            json!({"key": "a", "n": 1, "y": [0.5, 200.0], "more": 1}),
        ] {
            assert!(difference(&far, &expected, 1e-5).is_some(), "{far}");
        }
    }
}
