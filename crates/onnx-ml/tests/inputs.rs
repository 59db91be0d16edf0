//! What a node must not have and what it must not be given: each ends in an error that names it.

use onnx_ml::label_encoder::LabelEncoder;
use onnx_ml::linear_classifier::LinearClassifier;
use onnx_ml::one_hot_encoder::OneHotEncoder;
use onnx_ml::scaler::Scaler;
use onnx_ml::svm_classifier::SvmClassifier;
use onnx_ml::tree_ensemble_regressor::TreeEnsembleRegressor;
use onnx_ml::{Attributes, Matrix, PostTransform, Result, Slice, Value, array_feature_extractor};

fn attributes<'a, const N: usize>(named: [(&'a str, Value<'a>); N]) -> Attributes<'a> {
    named.into_iter().collect()
}

#[track_caller]
fn says<T: std::fmt::Debug>(result: Result<T>, expected: &str) {
    assert_eq!(result.map_err(|error| error.to_string()).err().as_deref(), Some(expected));
}

#[test]
fn attributes_that_do_not_fit_are_named() {
    let short = attributes([("offset", Value::Floats(&[1.0])), ("scale", Value::Floats(&[1.0, 2.0]))]);
    says(
        Scaler::from_attributes(&short),
        "attribute `offset`: expected 2 elements, one for each of `scale`, found 1",
    );
    let unknown = attributes([("post_transform", Value::Text("CUBE"))]);
    says(
        PostTransform::from_attributes(&unknown),
        "attribute `post_transform`: expected one of NONE, SOFTMAX, LOGISTIC, SOFTMAX_ZERO, PROBIT, found CUBE",
    );
    let both = attributes([("keys_floats", Value::Floats(&[1.0])), ("keys_int64s", Value::Ints(&[1]))]);
    says(
        LabelEncoder::from_attributes(&both),
        "attribute `keys`: expected exactly one of keys_int64s, keys_floats, keys_strings, keys_tensor, \
         found keys_int64s, keys_floats",
    );
    let no_labels = attributes([("coefficients", Value::Floats(&[1.0]))]);
    says(
        LinearClassifier::from_attributes(&no_labels),
        "attribute `classlabels_ints`: expected labels here or in `classlabels_strings`, found none",
    );
    let wrong = attributes([("classlabels_ints", Value::Text("a"))]);
    says(
        SvmClassifier::from_attributes(&wrong),
        "attribute `classlabels_ints`: expected integers, found a string",
    );
}

#[test]
fn trees_that_are_none_are_named() {
    let names = ["nodes_featureids", "nodes_nodeids", "nodes_treeids", "nodes_falsenodeids"];
    let with = |modes: Vec<&'static str>, yes: &'static [i64]| {
        let named = names.map(|name| (name, Value::Ints(&[0])));
        let others = [
            ("nodes_modes", Value::Texts(modes)),
            ("nodes_truenodeids", Value::Ints(yes)),
            ("nodes_values", Value::Floats(&[0.5])),
        ];
        TreeEnsembleRegressor::from_attributes(&named.into_iter().chain(others).collect())
    };
    says(
        with(vec!["LEAF"], &[0]),
        "attribute `nodes_modes`: expected a weight for the leaf 0 of tree 0, found none",
    );
    says(
        with(vec!["BRANCH_LEQ"], &[7]),
        "attribute `nodes_nodeids`: expected a node 7 in tree 0, found none",
    );
    says(
        with(vec!["BRANCH_LEQ"], &[0]),
        "attribute `nodes_truenodeids`: expected paths that end in leaves, found one that never ends",
    );
    let modes = "LEAF, BRANCH_LEQ, BRANCH_LT, BRANCH_GTE, BRANCH_GT, BRANCH_EQ or BRANCH_NEQ";
    says(with(vec!["TWIG"], &[0]), &format!("attribute `nodes_modes`: expected {modes}, found TWIG"));
    says(
        TreeEnsembleRegressor::from_attributes(&Attributes::default()),
        "attribute `nodes_treeids`: expected one tree at least, found none",
    );
}

#[test]
fn inputs_that_do_not_fit_are_named() {
    let words = ["a".to_owned()];
    let scaler = attributes([("offset", Value::Floats(&[1.0])), ("scale", Value::Floats(&[1.0]))]);
    let scaler = Scaler::from_attributes(&scaler).expect("a scaler");
    let x = Matrix { data: Slice::Strings(&words), n_rows: 1, n_features: 1 };
    says(scaler.eval(x), "input `X`: expected numbers, found strings");
    says(
        array_feature_extractor::eval(Slice::I64(&[1, 2, 3]), 3, &[3]),
        "input `Y`: expected indices from 0 to 2, found 3",
    );
    let strict = attributes([("cats_strings", Value::Texts(vec!["b"])), ("zeros", Value::Int(0))]);
    let strict = OneHotEncoder::from_attributes(&strict).expect("an encoder");
    says(
        strict.eval(Slice::Strings(&words)),
        "input `X`: expected one of the categories, since `zeros` is 0, found another",
    );
    says(strict.eval(Slice::F32(&[1.0])), "input `X`: expected string, found float");
}
