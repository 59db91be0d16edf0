//! From a node of an ONNX file to an operator.

use std::sync::Arc;

use tract_onnx::model::{OnnxOpRegister, ParsingContext, optional_outputs};
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_hir::infer::InferenceOp;

use super::convert::attributes;
use super::encoders::ArrayFeatureExtractor;
use super::operator::{MlOp, Operator};
use crate::binarizer::Binarizer;
use crate::category_mapper;
use crate::dict_vectorizer::DictVectorizer;
use crate::feature_vectorizer::FeatureVectorizer;
use crate::imputer::Imputer;
use crate::label_encoder::LabelEncoder;
use crate::linear_classifier::LinearClassifier;
use crate::linear_regressor::LinearRegressor;
use crate::murmur_hash::MurmurHash;
use crate::normalizer::Normalizer;
use crate::one_hot_encoder::OneHotEncoder;
use crate::scaler::Scaler;
use crate::svm_classifier::SvmClassifier;
use crate::svm_regressor::SvmRegressor;
use crate::tree_ensemble::TreeEnsemble;
use crate::tree_ensemble_classifier::TreeEnsembleClassifier;
use crate::tree_ensemble_regressor::TreeEnsembleRegressor;
use crate::zip_map::ZipMap;
use crate::{Attributes, Result};

type Built = TractResult<(Box<dyn InferenceOp>, Vec<String>)>;

/// Registers every operator of the domain, in the place of tract's own of the same name.
pub fn register(register: &mut OnnxOpRegister) {
    macro_rules! insert {
        ($($name:literal => $from_attributes:expr),* $(,)?) => {
            $(register.insert($name, |context, node| build(context, node, $from_attributes));)*
        };
    }
    insert!(
        "ArrayFeatureExtractor" => |_: &Attributes<'_>| Ok(ArrayFeatureExtractor),
        "Binarizer" => Binarizer::from_attributes,
        "CategoryMapper" => category_mapper::from_attributes,
        "DictVectorizer" => DictVectorizer::from_attributes,
        "FeatureVectorizer" => FeatureVectorizer::from_attributes,
        "Imputer" => Imputer::from_attributes,
        "LabelEncoder" => LabelEncoder::from_attributes,
        "LinearClassifier" => LinearClassifier::from_attributes,
        "LinearRegressor" => LinearRegressor::from_attributes,
        "MurmurHash3" => MurmurHash::from_attributes,
        "Normalizer" => Normalizer::from_attributes,
        "OneHotEncoder" => OneHotEncoder::from_attributes,
        "SVMClassifier" => SvmClassifier::from_attributes,
        "SVMRegressor" => SvmRegressor::from_attributes,
        "Scaler" => Scaler::from_attributes,
        "TreeEnsemble" => TreeEnsemble::from_attributes,
        "TreeEnsembleClassifier" => TreeEnsembleClassifier::from_attributes,
        "TreeEnsembleRegressor" => TreeEnsembleRegressor::from_attributes,
        "ZipMap" => ZipMap::from_attributes,
    );
}

fn build<O: Operator>(
    context: &ParsingContext<'_>,
    node: &NodeProto,
    from_attributes: impl Fn(&Attributes<'_>) -> Result<O>,
) -> Built {
    let operator = from_attributes(&attributes(context, node)?)?;
    let outputs = optional_outputs(node).take(node.output.len()).enumerate();
    let outputs = outputs.filter_map(|(output, is_there)| is_there.map(|_| output)).collect();
    Ok((MlOp::boxed(Arc::new(operator), outputs), Vec::new()))
}
