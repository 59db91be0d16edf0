//! `Binarizer`: 1 above a threshold, else 0.
//!
//! Specification: <https://onnx.ai/onnx/operators/onnx_aionnxml_Binarizer.html>

use crate::{Attributes, Data, Error, Result, Slice};

/// The operator with its attributes.
#[derive(Clone, Debug)]
pub struct Binarizer {
    threshold: f32,
}

impl Binarizer {
    /// # Errors
    /// If `threshold` is not a number.
    pub fn from_attributes(attributes: &Attributes<'_>) -> Result<Self> {
        Ok(Self { threshold: attributes.float("threshold")?.unwrap_or(0.0) })
    }

    /// 1 where an element exceeds the threshold, else 0, in the type of the input.
    ///
    /// # Errors
    /// If the input has strings.
    #[expect(
        clippy::cast_precision_loss,
        reason = "numbers are compared as the specification's float threshold"
    )]
    pub fn eval(&self, x: Slice<'_>) -> Result<Data> {
        let threshold = f64::from(self.threshold);
        Ok(match x {
            Slice::F32(x) => Data::F32(x.iter().map(|&x| f32::from(u8::from(x > self.threshold))).collect()),
            Slice::F64(x) => Data::F64(x.iter().map(|&x| f64::from(u8::from(x > threshold))).collect()),
            Slice::I16(x) => Data::I16(x.iter().map(|&x| i16::from(f64::from(x) > threshold)).collect()),
            Slice::I32(x) => Data::I32(x.iter().map(|&x| i32::from(f64::from(x) > threshold)).collect()),
            Slice::I64(x) => Data::I64(x.iter().map(|&x| i64::from(x as f64 > threshold)).collect()),
            Slice::Strings(_) => return Err(Error::input("X", "numbers", "strings")),
        })
    }
}
