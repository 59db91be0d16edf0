//! Tensors in binary form: bytes that follow the JSON of a request, and requests that are nothing but the bytes of one tensor.
//! How responses carry them is in `infer`.
//!
//! Source: Open Inference Protocol V2, "Binary Tensor Data Extension" and "Raw Binary Request".

use tensor::{Datatype, Tensor, TensorSpec, encode_bytes_element};

use crate::cursor::excerpt;
use crate::{Error, Result};

/// The body of an inference request, split where its JSON ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body<'a> {
    /// JSON, and the tensors that it announces.
    Json {
        /// The JSON.
        json: &'a [u8],
        /// What follows it.
        binary: &'a [u8],
    },
    /// The elements of the model's one input and nothing else.
    Raw(&'a [u8]),
}

impl<'a> Body<'a> {
    /// Splits the body after as many bytes as `Inference-Header-Content-Length` says; without it, all of it is JSON. The body is
    /// the one that a content encoding, if any, stood for.
    ///
    /// # Errors
    /// [`Error::HeaderLength`] if the header is no number from 0 to the length of the body.
    pub fn split(body: &'a [u8], header_length: Option<&[u8]>) -> Result<Self> {
        let Some(length) = header_length else { return Ok(Self::Json { json: body, binary: &[] }) };
        let text = std::str::from_utf8(length).ok();
        let split = text.and_then(|text| body.split_at_checked(text.parse().ok()?));
        match split {
            Some(([], bytes)) => Ok(Self::Raw(bytes)),
            Some((json, binary)) => Ok(Self::Json { json, binary }),
            None => Err(Error::HeaderLength {
                found: excerpt(&String::from_utf8_lossy(length)),
                body_bytes: body.len(),
            }),
        }
    }
}

/// The bytes after the JSON, taken by the inputs in their order.
#[derive(Debug)]
pub(crate) struct BinaryInputs<'a> {
    rest: &'a [u8],
}

impl<'a> BinaryInputs<'a> {
    pub(crate) fn new(binary: &'a [u8]) -> Self {
        Self { rest: binary }
    }

    /// The next bytes, for an input that announced so many.
    pub(crate) fn take(&mut self, input: &str, n_bytes: u64) -> Result<&'a [u8]> {
        let split = usize::try_from(n_bytes).ok().and_then(|n_bytes| self.rest.split_at_checked(n_bytes));
        let (bytes, rest) = split.ok_or_else(|| Error::BinarySize {
            input: input.to_owned(),
            expected: n_bytes,
            found: self.rest.len(),
        })?;
        self.rest = rest;
        Ok(bytes)
    }

    /// Checks that the inputs took everything.
    pub(crate) fn check_end(&self) -> Result<()> {
        if self.rest.is_empty() { Ok(()) } else { Err(Error::SurplusBytes { found: self.rest.len() }) }
    }
}

/// The tensor of a raw request. A first dimension of any size counts the rows if it is the only one of any size, and is 1 if it
/// is not.
///
/// # Errors
/// [`Error::RawRequest`] if the model's signature does not tell the tensor's shape; [`Error::Tensor`] if the bytes do not fit it.
pub(crate) fn raw_tensor(bytes: &[u8], inputs: &[TensorSpec]) -> Result<Tensor> {
    let [spec] = inputs else { return Err(Error::RawRequest { expected: "a model with one input" }) };
    if spec.datatype == Datatype::Bytes {
        return raw_string(bytes, spec);
    }
    let element_size = spec.datatype.element_size().unwrap_or(1);
    let shape = raw_shape(spec, (bytes.len() / element_size) as u64)?;
    Ok(Tensor::new(&spec.name, spec.datatype, shape, bytes.to_vec())?)
}

/// A raw string is one element, without its length.
fn raw_string(bytes: &[u8], spec: &TensorSpec) -> Result<Tensor> {
    if spec.shape.iter().skip(1).any(|&dim| dim != 1) || spec.shape.first().is_some_and(|&dim| dim > 1) {
        return Err(Error::RawRequest { expected: "an input of one string a row" });
    }
    let mut data = Vec::new();
    encode_bytes_element(&mut data, bytes);
    Ok(Tensor::new(&spec.name, spec.datatype, vec![1; spec.shape.len()], data)?)
}

fn raw_shape(spec: &TensorSpec, n_elements: u64) -> Result<Vec<u64>> {
    let mut dims = spec.shape.clone();
    let n_open = |dims: &[i64]| dims.iter().filter(|&&dim| dim < 0).count();
    if let (Some(first @ i64::MIN..0), 2..) = (dims.first_mut(), n_open(&spec.shape)) {
        *first = 1;
    }
    if n_open(&dims) > 1 {
        return Err(Error::RawRequest { expected: "an input with at most one dimension of any size a row" });
    }
    let known: u64 = dims.iter().filter_map(|&dim| u64::try_from(dim).ok()).product();
    let open = n_elements.checked_div(known).unwrap_or_default();
    Ok(dims.into_iter().map(|dim| u64::try_from(dim).unwrap_or(open)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_raw(datatype: Datatype, shape: &[i64], bytes: &[u8], expect: Result<&[u64], &str>) {
        let spec = TensorSpec { name: "x".to_owned(), datatype, shape: shape.to_vec() };
        let found = raw_tensor(bytes, &[spec]).map(|tensor| tensor.shape().to_vec());
        assert_eq!(
            found.map_err(|error| error.to_string()),
            expect.map(<[u64]>::to_vec).map_err(str::to_owned)
        );
    }

    #[test]
    fn the_body_is_split_where_the_header_says() {
        let body = b"{}ab".as_slice();
        assert_eq!(Body::split(body, None), Ok(Body::Json { json: body, binary: b"" }));
        assert_eq!(Body::split(body, Some(b"2")), Ok(Body::Json { json: b"{}", binary: b"ab" }));
        assert_eq!(Body::split(body, Some(b"4")), Ok(Body::Json { json: body, binary: b"" }));
        assert_eq!(Body::split(body, Some(b"0")), Ok(Body::Raw(body)));
        for header in ["5", "-1", "", "2.0", "99999999999999999999", "é"] {
            let error = Body::split(body, Some(header.as_bytes())).unwrap_err();
            let expect = format!(
                "header `Inference-Header-Content-Length`: expected a number from 0 to `4`, found `{header}`"
            );
            assert_eq!(error.to_string(), expect);
        }
    }

    #[test]
    fn a_raw_request_is_shaped_by_the_signature() {
        check_raw(Datatype::Int16, &[-1, 2], &[0; 8], Ok(&[2, 2]));
        check_raw(Datatype::Int16, &[-1, -1], &[0; 8], Ok(&[1, 4]));
        check_raw(Datatype::Int16, &[1, 4], &[0; 8], Ok(&[1, 4]));
        check_raw(Datatype::Int16, &[3, -1], &[0; 12], Ok(&[3, 2]));
        check_raw(Datatype::Bytes, &[-1], b"text", Ok(&[1]));
        check_raw(Datatype::Bytes, &[-1, 1], b"", Ok(&[1, 1]));
    }

    #[test]
    fn a_raw_request_that_has_no_shape_is_refused() {
        let many =
            "expected an input with at most one dimension of any size a row for a request without JSON";
        check_raw(Datatype::Int16, &[-1, -1, -1], &[0; 8], Err(many));
        check_raw(
            Datatype::Bytes,
            &[-1, 2],
            b"text",
            Err("expected an input of one string a row for a request without JSON"),
        );
        check_raw(
            Datatype::Int16,
            &[-1, 2],
            &[0; 7],
            Err("tensor `x`: expected `4` bytes for `INT16` of shape `[1, 2]`, found `7`"),
        );
        let error = raw_tensor(&[], &[]).unwrap_err();
        assert_eq!(error.to_string(), "expected a model with one input for a request without JSON");
    }
}
