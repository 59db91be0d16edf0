//! `LabelEncoder`: values for keys, of any of the domain's types. Versions 1, 2 and 4, told apart by their attributes.
//!
//! Specification: <https://onnx.ai/onnx/operators/onnx_aionnxml_LabelEncoder.html>

use crate::error::check_len;
use crate::labels::owned;
use crate::lookup::Keys;
use crate::{Attributes, Data, ElementType, Error, Result, Slice};

/// The operator with its attributes.
#[derive(Clone, Debug)]
pub struct LabelEncoder {
    /// One; two for version 1, which goes from strings to integers and back.
    mappings: Vec<Mapping>,
}

/// Keys, their values, and behind these the value of all that is no key.
#[derive(Clone, Debug)]
struct Mapping {
    keys: Keys,
    values: Data,
}

/// The suffixes of the attributes that hold keys or values of one type.
const SUFFIXES: [&str; 3] = ["int64s", "floats", "strings"];

impl LabelEncoder {
    /// # Errors
    /// If there are no keys or no values, not as many of the one as of the other, or the default has another type than the values.
    pub fn from_attributes(attributes: &Attributes<'_>) -> Result<Self> {
        if attributes.has("classes_strings") {
            return version_1(attributes);
        }
        let (keys_name, keys) = of_any_type(attributes, "keys")?;
        let (values_name, values) = of_any_type(attributes, "values")?;
        check_len(values_name, values.as_slice().len(), keys.as_slice().len(), keys_name)?;
        let values = with_default(attributes, values)?;
        Ok(Self { mappings: vec![Mapping { keys: Keys::new(&keys), values }] })
    }

    /// The type of the output for a type of the input, if it takes that.
    pub fn output_type(&self, input: ElementType) -> Option<ElementType> {
        self.mapping(input).map(|mapping| mapping.values.as_slice().element_type())
    }

    /// The value of each element.
    ///
    /// # Errors
    /// If the input has not the type of the keys.
    pub fn eval(&self, x: Slice<'_>) -> Result<Data> {
        let mapping = self.mapping(x.element_type()).ok_or_else(|| {
            let types: Vec<String> =
                self.mappings.iter().map(|it| it.keys.element_type().to_string()).collect();
            Error::input("X", types.join(" or "), x.element_type().to_string())
        })?;
        let places = mapping.keys.places(x)?;
        Ok(mapping.values.gather(places.into_iter().map(|place| place.unwrap_or(usize::MAX))))
    }

    fn mapping(&self, input: ElementType) -> Option<&Mapping> {
        self.mappings.iter().find(|mapping| mapping.keys.element_type() == input)
    }

    /// Strings to integers and back. Of equal keys the last counts, as in ONNX Runtime.
    pub(crate) fn between(strings: &[&str], ints: &[i64], default_int: i64, default_string: &str) -> Self {
        let ints: Vec<i64> = ints.iter().rev().copied().collect();
        let strings: Vec<String> = strings.iter().rev().map(|&string| string.to_owned()).collect();
        let to_strings = Mapping {
            keys: Keys::new(&Data::I64(ints.clone())),
            values: Data::Strings(strings.iter().cloned().chain([default_string.to_owned()]).collect()),
        };
        let to_ints = Mapping {
            keys: Keys::new(&Data::Strings(strings)),
            values: Data::I64(ints.into_iter().chain([default_int]).collect()),
        };
        Self { mappings: vec![to_ints, to_strings] }
    }
}

/// A string's integer is its place among the classes.
fn version_1(attributes: &Attributes<'_>) -> Result<LabelEncoder> {
    let classes = attributes.texts("classes_strings")?;
    let places: Vec<i64> = (0..).take(classes.len()).collect();
    let default_int = attributes.int("default_int64")?.unwrap_or(-1);
    let default_string = attributes.text("default_string")?.unwrap_or("_Unused");
    Ok(LabelEncoder::between(classes, &places, default_int, default_string))
}

/// The one attribute `<what>_<type>` that the node has, and its elements.
fn of_any_type(attributes: &Attributes<'_>, what: &'static str) -> Result<(&'static str, Data)> {
    let names: [&'static str; 4] = match what {
        "keys" => ["keys_int64s", "keys_floats", "keys_strings", "keys_tensor"],
        _ => ["values_int64s", "values_floats", "values_strings", "values_tensor"],
    };
    let present: Vec<&'static str> = names.into_iter().filter(|name| attributes.has(name)).collect();
    let &[name] = present.as_slice() else {
        let found = if present.is_empty() { "none".to_owned() } else { present.join(", ") };
        return Err(Error::attribute(what, format!("exactly one of {}", names.join(", ")), found));
    };
    let data = match SUFFIXES.iter().find(|suffix| name.ends_with(*suffix)) {
        Some(&"int64s") => Data::I64(attributes.ints(name)?.to_vec()),
        Some(&"floats") => Data::F32(attributes.floats(name)?.to_vec()),
        Some(_) => Data::Strings(owned(attributes.texts(name)?)),
        None => attributes.tensor(name)?.cloned().unwrap_or(Data::I64(Vec::new())),
    };
    Ok((name, data))
}

/// The values, and behind them the default of their type.
fn with_default(attributes: &Attributes<'_>, values: Data) -> Result<Data> {
    let default = match attributes.tensor("default_tensor")? {
        Some(default) => default.clone(),
        None => match values.as_slice().element_type() {
            ElementType::F32 => Data::F32(vec![attributes.float("default_float")?.unwrap_or(-0.0)]),
            ElementType::F64 => Data::F64(vec![-0.0]),
            ElementType::I16 => Data::I16(vec![-1]),
            ElementType::I32 => Data::I32(vec![-1]),
            ElementType::I64 => Data::I64(vec![attributes.int("default_int64")?.unwrap_or(-1)]),
            ElementType::String => {
                Data::Strings(vec![attributes.text("default_string")?.unwrap_or("_Unused").to_owned()])
            }
        },
    };
    let found = (default.as_slice().len(), default.as_slice().element_type());
    let expected = format!("one element of type {}", values.as_slice().element_type());
    let appended = if found.0 == 1 { appended(values, default) } else { None };
    appended
        .ok_or_else(|| Error::attribute("default_tensor", expected, format!("{} of {}", found.0, found.1)))
}

/// `values` and one more; nothing if the types differ.
fn appended(values: Data, last: Data) -> Option<Data> {
    Some(match (values, last) {
        (Data::F32(values), Data::F32(last)) => Data::F32([values, last].concat()),
        (Data::F64(values), Data::F64(last)) => Data::F64([values, last].concat()),
        (Data::I16(values), Data::I16(last)) => Data::I16([values, last].concat()),
        (Data::I32(values), Data::I32(last)) => Data::I32([values, last].concat()),
        (Data::I64(values), Data::I64(last)) => Data::I64([values, last].concat()),
        (Data::Strings(values), Data::Strings(last)) => Data::Strings([values, last].concat()),
        _ => return None,
    })
}
