//! From a model's tensors to what a policy decides by: classes, probabilities, features and segments, read in one way when a policy is made
//! and when it is used. Not how tensors come over the wire.

use tensor::{Datatype, Metadata, Tensor, TensorSpec};

use crate::{
    error::Error,
    policy::{ModelRef, Outputs},
};

/// The property of a model with the digest of its ONNX file.
pub const ONNX_DIGEST: &str = "onnx_sha256";

/// The property of a model that holds the class labels, one a line.
const LABELS: &str = "labels";

/// What a model answers about a row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answered {
    /// The probabilities as the model gives them; empty if the model has none.
    pub probabilities: Vec<f64>,
    /// The index of the class that it answers; none if that is no class of the policy.
    pub class: Option<usize>,
    /// The label in words, even if it is no class.
    pub label: String,
}

/// The model of this signature, and its outputs: those named, or else the output with two numbers or more a row as probabilities and the first
/// output of one text or whole number a row as label.
///
/// # Errors
/// [`Error::Field`] for a name that is no output, [`Error::OtherModel`] for a model without a digest.
pub fn model_ref(role: &'static str, metadata: &Metadata, named: &Outputs) -> Result<ModelRef, Error> {
    let known = |name: &String| match metadata.output(name) {
        Some(_) => Ok(name.clone()),
        None => {
            let outputs = metadata.outputs.iter().map(|spec| format!("`{}`", spec.name)).collect::<Vec<_>>();
            Err(Error::field(format!("{role}.outputs"), outputs.join(" or "), format!("`{name}`")))
        }
    };
    let find =
        |is_it: fn(&&TensorSpec) -> bool| metadata.outputs.iter().find(is_it).map(|spec| spec.name.clone());
    let or_found = |name: &Option<String>, is_it: fn(&&TensorSpec) -> bool| match name {
        Some(name) => known(name).map(Some),
        None => Ok(find(is_it)),
    };
    let digest = metadata.property(ONNX_DIGEST).unwrap_or_default();
    if digest.is_empty() {
        let (name, expected) = (metadata.name.clone(), "a digest".to_owned());
        return Err(Error::OtherModel { role, name, expected, found: "none".to_owned() });
    }
    Ok(ModelRef {
        name: metadata.name.clone(),
        version: metadata.version.clone(),
        onnx_sha256: digest.to_owned(),
        outputs: Outputs {
            probabilities: or_found(&named.probabilities, is_probabilities)?,
            label: or_found(&named.label, is_label)?,
        },
    })
}

/// The labels of a model's classes: its property, or else the numbers from 0 of so many probabilities as a row of that output has. One
/// probability is of two classes.
///
/// # Errors
/// [`Error::Field`] if neither is there.
pub fn classes(metadata: &Metadata, outputs: &Outputs) -> Result<Vec<String>, Error> {
    if let Some(labels) = metadata.property(LABELS) {
        return Ok(labels.lines().map(str::to_owned).collect());
    }
    let spec = outputs.probabilities.as_ref().and_then(|name| metadata.output(name));
    let width = spec.and_then(|spec| spec.row_shape().iter().try_fold(1_i64, |n, dim| n.checked_mul(*dim)));
    match width {
        Some(1) => Ok(vec!["0".to_owned(), "1".to_owned()]),
        Some(width @ 2..) => Ok((0..width).map(|class| class.to_string()).collect()),
        _ => Err(Error::field(
            "classes",
            "the labels of the model, or a fixed number of probabilities",
            "none",
        )),
    }
}

fn is_probabilities(spec: &&TensorSpec) -> bool {
    let is_wide = matches!(*spec.shape.as_slice(), [-1, width] if width > 1);
    is_wide && is_real(spec.datatype)
}

fn is_label(spec: &&TensorSpec) -> bool {
    matches!(*spec.shape.as_slice(), [-1] | [-1, 1]) && !is_real(spec.datatype)
}

const fn is_real(datatype: Datatype) -> bool {
    matches!(datatype, Datatype::Fp16 | Datatype::Bf16 | Datatype::Fp32 | Datatype::Fp64)
}

/// What a model answered `n_rows` rows.
///
/// # Errors
/// [`Error::Field`] if an output is not there or is no number, text or list of numbers for each row.
pub fn answers(
    outputs: &[Tensor],
    used: &Outputs,
    classes: &[String],
    n_rows: usize,
) -> Result<Vec<Answered>, Error> {
    let find = |name: &String| {
        let found = outputs.iter().find(|output| output.name() == name);
        found.ok_or_else(|| Error::field("outputs", format!("an output `{name}`"), "none"))
    };
    let mut rows = vec![Answered::default(); n_rows];
    if let Some(name) = &used.probabilities {
        let values = per_row(find(name)?, n_rows, numbers)?;
        rows.iter_mut().zip(values).for_each(|(row, values)| row.probabilities = values);
    }
    match &used.label {
        Some(name) => {
            let labels = per_row(find(name)?, n_rows, texts)?;
            for (row, label) in rows.iter_mut().zip(labels) {
                row.label = label.into_iter().next().unwrap_or_default();
                row.class = class_of(&row.label, classes);
            }
        }
        None => rows.iter_mut().for_each(|row| {
            row.class = likeliest(&row.probabilities);
            let label =
                row.class.map(|class| classes.get(class).cloned().unwrap_or_else(|| class.to_string()));
            row.label = label.unwrap_or_default();
            row.class = row.class.filter(|class| *class < classes.len());
        }),
    }
    Ok(rows)
}

/// The index of a label: of the class of that name, or else of the class of that number.
#[must_use]
pub fn class_of(label: &str, classes: &[String]) -> Option<usize> {
    let named = classes.iter().position(|class| class == label);
    named.or_else(|| label.parse().ok().filter(|class| *class < classes.len()))
}

/// The index of the largest probability, the first of equal ones; of a single one, the second of two classes from a half on. None of NaN alone.
fn likeliest(probabilities: &[f64]) -> Option<usize> {
    if let [second] = *probabilities {
        return (!second.is_nan()).then_some(usize::from(second >= 0.5));
    }
    let best = |best: Option<(usize, f64)>, (class, found): (usize, f64)| match best {
        Some((_, most)) if found <= most => best,
        _ => Some((class, found)),
    };
    let numbers = probabilities.iter().copied().enumerate().filter(|(_, found)| !found.is_nan());
    numbers.fold(None, best).map(|(class, _)| class)
}

/// The names of the features that a guard can know, in the order of [`features`]: each number of a row, `X[3]` being the fourth of input `X`.
#[must_use]
pub fn feature_names(inputs: &[Tensor]) -> Vec<String> {
    let names = inputs.iter().filter(|input| numbers(input).is_some()).flat_map(|input| {
        let name = |idx: u64| format!("{}[{idx}]", input.name());
        match input.shape() {
            [_] => vec![input.name().to_owned()],
            [_, row @ ..] => (0..row.iter().product()).map(name).collect(),
            [] => Vec::new(),
        }
    });
    names.collect()
}

/// The numbers of each of `n_rows` rows.
///
/// # Errors
/// [`Error::Field`] for an input without as many rows.
pub fn features(inputs: &[Tensor], n_rows: usize) -> Result<Vec<Vec<f64>>, Error> {
    let mut rows = vec![Vec::new(); n_rows];
    for input in inputs.iter().filter(|input| numbers(input).is_some()) {
        let values = per_row(input, n_rows, numbers)?;
        rows.iter_mut().zip(values).for_each(|(row, values)| row.extend(values));
    }
    Ok(rows)
}

/// The segment of each of `n_rows` rows: the value of the input `field`, in words.
///
/// # Errors
/// [`Error::Field`] if there is no such input, or it has several values a row.
pub fn segments(inputs: &[Tensor], field: &str, n_rows: usize) -> Result<Vec<String>, Error> {
    let input = inputs.iter().find(|input| input.name() == field && input.len() == n_rows);
    let error =
        || Error::field("segment", "an input of the model with one value a row", format!("`{field}`"));
    Ok(per_row(input.ok_or_else(error)?, n_rows, texts)?.into_iter().flatten().collect())
}

/// The elements of each row.
fn per_row<T: Clone>(
    tensor: &Tensor,
    n_rows: usize,
    read: impl Fn(&Tensor) -> Option<Vec<T>>,
) -> Result<Vec<Vec<T>>, Error> {
    let error = || {
        let found = format!("{} {:?}", tensor.datatype(), tensor.shape());
        Error::field(format!("`{}`", tensor.name()), format!("numbers or texts of {n_rows} rows"), found)
    };
    let values = read(tensor).filter(|_| tensor.rows() == Some(n_rows as u64)).ok_or_else(error)?;
    let width = values.len().checked_div(n_rows).unwrap_or_default();
    if width == 0 {
        return Ok(vec![Vec::new(); n_rows]);
    }
    Ok(values.chunks(width).map(<[T]>::to_vec).collect())
}

/// The elements as numbers; none of texts, and of halves.
fn numbers(tensor: &Tensor) -> Option<Vec<f64>> {
    #[expect(clippy::cast_precision_loss, reason = "a feature or a probability is no name")]
    Some(match tensor.datatype() {
        Datatype::Fp32 => tensor.map_elements(|bytes| f32::from_le_bytes(bytes).into()),
        Datatype::Fp64 => tensor.map_elements(f64::from_le_bytes),
        Datatype::Int8 => tensor.map_elements(|bytes| i8::from_le_bytes(bytes).into()),
        Datatype::Int16 => tensor.map_elements(|bytes| i16::from_le_bytes(bytes).into()),
        Datatype::Int32 => tensor.map_elements(|bytes| i32::from_le_bytes(bytes).into()),
        Datatype::Int64 => tensor.map_elements(|bytes| i64::from_le_bytes(bytes) as f64),
        Datatype::Bool | Datatype::Uint8 => tensor.map_elements(|bytes| u8::from_le_bytes(bytes).into()),
        Datatype::Uint16 => tensor.map_elements(|bytes| u16::from_le_bytes(bytes).into()),
        Datatype::Uint32 => tensor.map_elements(|bytes| u32::from_le_bytes(bytes).into()),
        Datatype::Uint64 => tensor.map_elements(|bytes| u64::from_le_bytes(bytes) as f64),
        Datatype::Fp16 | Datatype::Bf16 | Datatype::Bytes => return None,
    })
}

/// The elements in words: a whole number without a point.
fn texts(tensor: &Tensor) -> Option<Vec<String>> {
    Some(match tensor.datatype() {
        Datatype::Bytes => {
            tensor.bytes_elements().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect()
        }
        Datatype::Int64 => tensor.map_elements(|bytes| i64::from_le_bytes(bytes).to_string()),
        Datatype::Uint64 => tensor.map_elements(|bytes| u64::from_le_bytes(bytes).to_string()),
        _ => numbers(tensor)?.iter().map(f64::to_string).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn floats(name: &str, shape: &[u64], values: &[f32]) -> Tensor {
        let data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Tensor::new(name, Datatype::Fp32, shape.to_vec(), data).unwrap()
    }

    fn integers(name: &str, values: &[i64]) -> Tensor {
        let data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Tensor::new(name, Datatype::Int64, vec![values.len() as u64], data).unwrap()
    }

    fn spec(name: &str, datatype: Datatype, shape: &[i64]) -> TensorSpec {
        TensorSpec { name: name.to_owned(), datatype, shape: shape.to_vec() }
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn model(properties: &[(&str, &str)]) -> Metadata {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Metadata {
            name: "m".to_owned(),
            version: "1".to_owned(),
            outputs: vec![spec("label", Datatype::Int64, &[-1]), spec("p", Datatype::Fp32, &[-1, 3])],
            properties: properties.iter().map(owned).collect(),
            ..Metadata::default()
        }
    }

    fn outputs(probabilities: Option<&str>, label: Option<&str>) -> Outputs {
        Outputs { probabilities: probabilities.map(str::to_owned), label: label.map(str::to_owned) }
    }

    #[test]
    fn outputs_are_found_or_named() {
        let model = model(&[("onnx_sha256", "ab")]);
        let found = model_ref("edge", &model, &Outputs::default()).unwrap();
        assert_eq!(found.outputs, outputs(Some("p"), Some("label")));
        let error = model_ref("edge", &model, &outputs(Some("q"), None)).unwrap_err();
        assert_eq!(error.to_string(), "`edge.outputs`: expected `label` or `p`, found `q`");
        let without = Metadata { properties: Vec::new(), ..model };
        assert!(matches!(model_ref("edge", &without, &Outputs::default()), Err(Error::OtherModel { .. })));
    }

    #[test]
    fn classes_have_labels_or_numbers() {
        let probabilities = outputs(Some("p"), None);
        assert_eq!(classes(&model(&[("labels", "a\nb\nc")]), &probabilities), Ok(names(&["a", "b", "c"])));
        assert_eq!(classes(&model(&[]), &probabilities), Ok(names(&["0", "1", "2"])));
        assert!(classes(&model(&[]), &outputs(None, None)).is_err());
    }

    #[test]
    fn a_label_is_the_name_of_a_class_before_its_number() {
        let numbers = names(&["1", "2", "3"]);
        assert_eq!(class_of("1", &numbers), Some(0));
        assert_eq!(class_of("0", &numbers), Some(0));
        assert_eq!(class_of("1", &names(&["cat", "dog"])), Some(1));
        assert_eq!(class_of("7", &names(&["cat", "dog"])), None);
    }

    #[test]
    fn answers_are_read_row_by_row() {
        let tensors =
            [integers("label", &[1, 9]), floats("p", &[2, 3], &[0.25, 0.5, 0.25, 0.0, f32::NAN, 1.0])];
        let classes = names(&["a", "b", "c"]);
        let read = |used: &Outputs| answers(&tensors, used, &classes, 2).unwrap();
        let named = read(&outputs(Some("p"), Some("label")));
        assert_eq!((named[0].class, named[0].label.as_str()), (Some(1), "1"));
        assert_eq!((named[1].class, named[1].label.as_str()), (None, "9"));
        let likeliest = read(&outputs(Some("p"), None));
        assert_eq!((likeliest[1].class, likeliest[1].label.as_str()), (Some(2), "c"));
        assert_eq!(likeliest[0].probabilities, [0.25, 0.5, 0.25]);
        assert!(answers(&tensors, &outputs(Some("q"), None), &classes, 2).is_err());
        assert!(answers(&tensors, &outputs(Some("p"), None), &classes, 3).is_err());
    }

    #[test]
    fn one_probability_is_of_the_second_class() {
        let tensors = [floats("p", &[3], &[0.2, 0.5, f32::NAN])];
        let read = answers(&tensors, &outputs(Some("p"), None), &names(&["no", "yes"]), 3).unwrap();
        let labels: Vec<&str> = read.iter().map(|row| row.label.as_str()).collect();
        assert_eq!(labels, ["no", "yes", ""]);
    }

    #[test]
    fn features_are_all_numbers_of_a_row() {
        let inputs = [floats("x", &[2, 2], &[1.0, 2.0, 3.0, 4.0]), integers("n", &[5, 6])];
        assert_eq!(feature_names(&inputs), ["x[0]", "x[1]", "n"]);
        assert_eq!(features(&inputs, 2), Ok(vec![vec![1.0, 2.0, 5.0], vec![3.0, 4.0, 6.0]]));
        assert_eq!(segments(&inputs, "n", 2), Ok(names(&["5", "6"])));
        assert!(segments(&inputs, "x", 2).is_err());
    }
}
