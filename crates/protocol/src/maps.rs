//! Tensors whose columns stand for a map, as a `ZipMap` makes and a `DictVectorizer` takes them: in rows they are JSON objects.

use tensor::{Metadata, TensorSpec};

/// The model's property that names the columns of a tensor begins so; the tensor's name follows.
const PROPERTY: &str = "labels.";

/// The labels of the columns of a model's tensors, as names of a JSON object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Maps(Vec<(String, Vec<String>)>);

impl Maps {
    /// What the model says of its tensors. Labels that are numbers become their digits; a tensor that has not as many columns as
    /// labels, or more axes than rows and columns, is none.
    #[must_use]
    pub fn of(metadata: &Metadata) -> Self {
        let labelled = |spec: &TensorSpec| {
            let labels = names(metadata.property(&format!("{PROPERTY}{}", spec.name))?)?;
            let n_labels = i64::try_from(labels.len()).ok()?;
            (spec.row_shape() == [n_labels]).then(|| (spec.name.clone(), labels))
        };
        Self(metadata.inputs.iter().chain(&metadata.outputs).filter_map(labelled).collect())
    }

    /// The labels of a tensor's columns, if they stand for a map.
    #[must_use]
    pub fn labels(&self, tensor: &str) -> Option<&[String]> {
        self.0.iter().find(|(name, _)| name == tensor).map(|(_, labels)| labels.as_slice())
    }
}

/// The labels of a list of strings and numbers in JSON.
fn names(json: &str) -> Option<Vec<String>> {
    let labels: Vec<serde_json::Value> = serde_json::from_str(json).ok()?;
    let name = |label: serde_json::Value| match label {
        serde_json::Value::String(name) => name,
        number => number.to_string(),
    };
    Some(labels.into_iter().map(name).collect())
}

#[cfg(test)]
mod tests {
    use tensor::Datatype;

    use super::*;

    fn metadata(shape: &[i64], labels: &str) -> Metadata {
        let spec = TensorSpec { name: "y".to_owned(), datatype: Datatype::Fp32, shape: shape.to_vec() };
        Metadata {
            outputs: vec![spec],
            properties: vec![("labels.y".to_owned(), labels.to_owned())],
            ..Metadata::default()
        }
    }

    #[test]
    fn labels_are_strings_or_numbers() {
        let of =
            |shape: &[i64], labels| Maps::of(&metadata(shape, labels)).labels("y").map(<[String]>::to_vec);
        assert_eq!(of(&[-1, 2], r#"["a\"","b"]"#), Some(vec!["a\"".to_owned(), "b".to_owned()]));
        assert_eq!(of(&[-1, 2], "[-1,7]"), Some(vec!["-1".to_owned(), "7".to_owned()]));
    }

    #[test]
    fn a_tensor_without_a_column_for_each_label_is_no_map() {
        for shape in [&[-1, 3][..], &[-1, -1], &[-1, 2, 1], &[2]] {
            assert_eq!(Maps::of(&metadata(shape, "[0,1]")).labels("y"), None, "{shape:?}");
        }
        assert_eq!(Maps::of(&metadata(&[-1, 2], "no list")), Maps::default());
    }
}
