//! `StringNormalizer` and `StringConcat`.

use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::prelude::tract_ndarray::{ArrayD, IxDyn, Zip};
use tract_onnx::tract_core::broadcast::multi_broadcast;
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_hir::infer::InferenceOp;

use crate::kernel::{Kernel, Port, computed, input};

/// What is done to the case of letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Case {
    Lower,
    Upper,
    Kept,
}

#[derive(Debug, Clone)]
struct Normalizer {
    case: Case,
    is_case_sensitive: bool,
    stopwords: Vec<String>,
    /// How many words are left.
    n_left: Symbol,
}

#[derive(Debug)]
struct Concatenation;

/// Reads the operator from its node.
///
/// Source: ONNX, operator `StringNormalizer`, version 10.
pub(crate) fn normalizer(
    context: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let case = match node.get_attr_opt::<&str>("case_change_action")? {
        Some("LOWER") => Case::Lower,
        Some("UPPER") => Case::Upper,
        Some("NONE") | None => Case::Kept,
        Some(other) => {
            bail!("StringNormalizer: case_change_action is `{other}`, expected LOWER, UPPER or NONE")
        }
    };
    let stopwords = strings(node, "stopwords")?;
    let is_case_sensitive = node.get_attr_opt::<i64>("is_case_sensitive")? == Some(1);
    let n_left = context.template.symbols.new_with_prefix("words");
    Ok((computed(Normalizer { case, is_case_sensitive, stopwords, n_left }), Vec::new()))
}

/// Reads the operator from its node.
///
/// Source: ONNX, operator `StringConcat`, version 20.
pub(crate) fn concatenation(
    _context: &ParsingContext<'_>,
    _node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    Ok((computed(Concatenation), Vec::new()))
}

/// An attribute that is a list of strings; empty if the node does not have it.
pub(crate) fn strings(node: &NodeProto, name: &str) -> TractResult<Vec<String>> {
    let attribute = node.attribute.iter().find(|attribute| attribute.name == name);
    let strings = attribute.map_or(&[][..], |attribute| attribute.strings.as_slice());
    let text =
        |bytes: &Vec<u8>| String::from_utf8(bytes.clone()).with_context(|| format!("`{name}` is no text"));
    strings.iter().map(text).collect()
}

impl Case {
    fn of(self, text: &str) -> String {
        match self {
            Self::Lower => text.chars().map(|letter| one(letter, letter.to_lowercase())).collect(),
            Self::Upper => text.chars().map(|letter| one(letter, letter.to_uppercase())).collect(),
            Self::Kept => text.to_owned(),
        }
    }
}

/// A letter in the other case if that is one letter, as ONNX Runtime has it.
fn one(letter: char, mut others: impl Iterator<Item = char>) -> char {
    match (letter, others.next(), others.next()) {
        (_, Some(other), None) => other,
        // Its lower case is two, of which the second is a mark.
        ('\u{130}', Some(other), _) => other,
        _ => letter,
    }
}

impl Normalizer {
    fn is_stopword(&self, word: &str) -> bool {
        if self.is_case_sensitive {
            return self.stopwords.iter().any(|stopword| stopword == word);
        }
        let word = Case::Lower.of(word);
        self.stopwords.iter().any(|stopword| Case::Lower.of(stopword) == word)
    }
}

impl Kernel for Normalizer {
    fn name(&self) -> &'static str {
        "StringNormalizer"
    }

    fn outputs(&self, inputs: &[Port]) -> TractResult<TVec<Port>> {
        let (datum_type, mut shape) = input(inputs, 0)?.clone();
        ensure!(matches!(shape.len(), 1 | 2), "StringNormalizer of a value with {} axes", shape.len());
        if !self.stopwords.is_empty() {
            shape.last_mut().into_iter().for_each(|last| *last = self.n_left.clone().into());
        }
        Ok(tvec![(datum_type, shape)])
    }

    fn eval(&self, inputs: &[TValue]) -> TractResult<TVec<Tensor>> {
        let words = input(inputs, 0)?;
        let is_row = words.rank() == 2;
        let words = words.to_plain_array_view::<String>()?;
        if self.stopwords.is_empty() {
            return Ok(tvec![words.map(|word| self.case.of(word)).into_tensor()]);
        }
        ensure!(!is_row || words.shape().first() == Some(&1), "StringNormalizer of more than one row");
        let mut left: Vec<String> =
            words.iter().filter(|word| !self.is_stopword(word)).map(|word| self.case.of(word)).collect();
        if left.is_empty() {
            left.push(String::new());
        }
        let shape = if is_row { vec![1, left.len()] } else { vec![left.len()] };
        Ok(tvec![ArrayD::from_shape_vec(IxDyn(&shape), left)?.into_tensor()])
    }
}

impl Kernel for Concatenation {
    fn name(&self) -> &'static str {
        "StringConcat"
    }

    fn outputs(&self, inputs: &[Port]) -> TractResult<TVec<Port>> {
        let shapes: TVec<&TVec<TDim>> = inputs.iter().map(|(_, shape)| shape).collect();
        Ok(tvec![(DatumType::String, multi_broadcast(&shapes)?)])
    }

    fn eval(&self, inputs: &[TValue]) -> TractResult<TVec<Tensor>> {
        let (left, right) = (input(inputs, 0)?, input(inputs, 1)?);
        let shape: TVec<usize> = multi_broadcast(&[left.shape(), right.shape()])?;
        let (left, right) = (left.to_plain_array_view::<String>()?, right.to_plain_array_view::<String>()?);
        let left = left.broadcast(&*shape).context("dimensions that broadcast")?;
        let right = right.broadcast(&*shape).context("dimensions that broadcast")?;
        Ok(tvec![
            Zip::from(left).and(right).map_collect(|left, right| format!("{left}{right}")).into_tensor()
        ])
    }
}
