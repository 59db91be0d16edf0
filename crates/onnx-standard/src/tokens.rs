//! ONNX Runtime's `Tokenizer`, which skl2onnx writes for `CountVectorizer` and `TfidfVectorizer`.

use regex::Regex;
use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::prelude::tract_ndarray::{ArrayD, IxDyn};
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_hir::infer::InferenceOp;

use crate::kernel::{Kernel, Port, computed, input};
use crate::text::strings;

/// What stands before and after the words of a text, if they are marked.
const START: &str = "\u{2}";
const STOP: &str = "\u{3}";

/// What is a word.
#[derive(Debug)]
enum Words {
    /// Every character.
    Characters,
    /// What the expression finds.
    Matches(Regex),
    /// What is between any of them.
    Between(Vec<Regex>),
}

/// Whether a text is what the expression finds, as a whole.
#[derive(Debug)]
struct FullMatch(Regex);

#[derive(Debug)]
struct Tokenizer {
    words: Words,
    n_characters_min: usize,
    is_marked: bool,
    padding: String,
    /// The largest number of words of a text.
    n_words: Symbol,
}

/// Reads the operator from its node.
///
/// Source: ONNX Runtime, `docs/ContribOperators.md`, operator `com.microsoft.Tokenizer`.
pub(crate) fn tokenizer(
    context: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let separators = strings(node, "separators")?;
    let words = match node.get_attr_opt::<&str>("tokenexp")? {
        Some(expression) => Words::Matches(compiled(expression)?),
        None if separators.iter().all(String::is_empty) => Words::Characters,
        None => Words::Between(
            separators.iter().map(|separator| compiled(separator)).collect::<TractResult<_>>()?,
        ),
    };
    let n_characters_min = usize::try_from(node.get_attr_opt::<i64>("mincharnum")?.unwrap_or(1))?;
    let is_marked = node.get_attr_opt::<i64>("mark")? == Some(1);
    let padding = node.get_attr_opt::<&str>("pad_value")?.unwrap_or_default().to_owned();
    let n_words = context.template.symbols.new_with_prefix("tokens");
    Ok((computed(Tokenizer { words, n_characters_min, is_marked, padding, n_words }), Vec::new()))
}

/// Reads the operator from its node.
///
/// Source: ONNX, operator `RegexFullMatch`, version 20.
pub(crate) fn full_match(
    _context: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    Ok((computed(FullMatch(compiled(&format!("^(?:{})$", node.get_attr::<&str>("pattern")?))?)), Vec::new()))
}

/// An expression as RE2 reads it: its classes of letters, digits and spaces are those of ASCII.
fn compiled(expression: &str) -> TractResult<Regex> {
    let mut translated = String::new();
    let mut is_in_class = false;
    let mut characters = expression.chars();
    while let Some(character) = characters.next() {
        if character == '\\' {
            let escaped = characters.next().context("an expression that ends with a backslash")?;
            translated.push_str(&class(escaped, is_in_class));
            continue;
        }
        is_in_class = character == '[' || (is_in_class && character != ']');
        translated.push(character);
    }
    Regex::new(&translated).with_context(|| format!("the expression `{expression}`"))
}

fn class(escaped: char, is_in_class: bool) -> String {
    let members = match escaped.to_ascii_lowercase() {
        'w' => "0-9A-Za-z_",
        'd' => "0-9",
        's' => r"\t\n\x0C\r ",
        'b' if !is_in_class => return format!("(?-u:\\{escaped})"),
        _ => return format!("\\{escaped}"),
    };
    match (escaped.is_ascii_uppercase(), is_in_class) {
        (false, true) => members.to_owned(),
        (false, false) => format!("[{members}]"),
        (true, _) => format!("[^{members}]"),
    }
}

impl Tokenizer {
    fn words(&self, text: &str) -> Vec<String> {
        let found: Vec<String> = match &self.words {
            Words::Characters => text.chars().map(String::from).collect(),
            Words::Matches(expression) => {
                expression.find_iter(text).map(|word| word.as_str().to_owned()).collect()
            }
            Words::Between(separators) => {
                separators.iter().fold(vec![text.to_owned()], |pieces, separator| {
                    pieces.iter().flat_map(|piece| separator.split(piece).map(str::to_owned)).collect()
                })
            }
        };
        let is_long = |word: &String| !word.is_empty() && word.chars().count() >= self.n_characters_min;
        let mut words: Vec<String> = found.into_iter().filter(is_long).collect();
        if self.is_marked {
            words.insert(0, START.to_owned());
            words.push(STOP.to_owned());
        }
        words
    }
}

impl Kernel for Tokenizer {
    fn name(&self) -> &'static str {
        "Tokenizer"
    }

    fn outputs(&self, inputs: &[Port]) -> TractResult<TVec<Port>> {
        let (_, mut shape) = input(inputs, 0)?.clone();
        ensure!(matches!(shape.len(), 1 | 2), "Tokenizer of a value with {} axes", shape.len());
        shape.push(self.n_words.clone().into());
        Ok(tvec![(DatumType::String, shape)])
    }

    fn eval(&self, inputs: &[TValue]) -> TractResult<TVec<Tensor>> {
        let texts = input(inputs, 0)?;
        let mut shape = texts.shape().to_vec();
        let words: Vec<Vec<String>> =
            texts.to_plain_array_view::<String>()?.iter().map(|text| self.words(text)).collect();
        let n_words = words.iter().map(Vec::len).max().unwrap_or(0);
        shape.push(n_words);
        let padded = words
            .into_iter()
            .flat_map(|words| words.into_iter().chain(std::iter::repeat(self.padding.clone())).take(n_words));
        Ok(tvec![ArrayD::from_shape_vec(IxDyn(&shape), padded.collect())?.into_tensor()])
    }
}

impl Kernel for FullMatch {
    fn name(&self) -> &'static str {
        "RegexFullMatch"
    }

    fn outputs(&self, inputs: &[Port]) -> TractResult<TVec<Port>> {
        let (_, shape) = input(inputs, 0)?.clone();
        Ok(tvec![(DatumType::Bool, shape)])
    }

    fn eval(&self, inputs: &[TValue]) -> TractResult<TVec<Tensor>> {
        let texts = input(inputs, 0)?.to_plain_array_view::<String>()?.map(|text| self.0.is_match(text));
        Ok(tvec![texts.into_tensor()])
    }
}
