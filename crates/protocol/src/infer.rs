//! An inference request, tensor by tensor.
//!
//! Source: Open Inference Protocol V2, "Inference".

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use tensor::{Datatype, DuplicateKeys, KEY, Tensor, TensorSpec};

use crate::binary::{BinaryInputs, raw_tensor};
use crate::cursor::{Cursor, excerpt};
use crate::elements::{Elements, MAX_DEPTH, read_elements};
use crate::form::Place;
use crate::parameters::Parameters;
use crate::{Error, Result};

/// What an inference request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InferRequest<'a> {
    /// Comes back with the response.
    pub id: Option<Cow<'a, str>>,
    /// The tensors, in the request's order, the key tensor among them. Names may repeat.
    pub inputs: Vec<Tensor>,
    /// The outputs to return, in this order; empty means all. Names may repeat.
    pub outputs: Vec<RequestedOutput<'a>>,
    /// Whether outputs that the request does not list are returned in binary form.
    pub binary_outputs: bool,
    /// Whether the key tensor came in binary form.
    pub is_key_binary: bool,
    /// What becomes of a row whose key an earlier row has.
    pub duplicates: DuplicateKeys,
    /// Whether rows without keys get new ones.
    pub generate_keys: bool,
}

/// An output that a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestedOutput<'a> {
    /// Its name.
    pub name: Cow<'a, str>,
    /// Whether it is returned in binary form.
    pub is_binary: bool,
    /// How many of its best classes are returned instead of it, if not the output itself.
    pub classes: Option<u64>,
}

impl<'a> InferRequest<'a> {
    /// Reads a request in JSON, and the tensors in binary form that follow it.
    ///
    /// # Errors
    /// [`Error::MalformedJson`]; [`Error::WrongForm`], [`Error::MissingField`] or [`Error::DuplicateField`] if it is
    /// JSON, but no inference request; an error naming the input if a tensor disagrees with itself;
    /// [`Error::SurplusBytes`] if no tensor claims what follows.
    pub fn read(json: &'a [u8], binary: &'a [u8]) -> Result<Self> {
        let mut cursor = Cursor::new(json)?;
        let mut binary = BinaryInputs::new(binary);
        let (mut id, mut inputs, mut outputs, mut parameters) = (None, None, None, None);
        Place::Body.enter_object(&mut cursor)?;
        while let Some(name) = cursor.next_member()? {
            match name.as_ref() {
                "id" => id = read_id(&mut cursor)?,
                "inputs" => {
                    let read = |cursor: &mut Cursor<'a>, idx| read_input(cursor, idx, &mut binary);
                    INPUTS.set(&mut inputs, INPUTS.read_list(&mut cursor, read)?)?;
                }
                "parameters" => {
                    let place = Place::Member("parameters");
                    place.set(&mut parameters, Parameters::read(place, &mut cursor)?)?;
                }
                "outputs" => Place::Member("outputs").set(&mut outputs, read_outputs(&mut cursor)?)?,
                _ => _ = cursor.value(),
            }
        }
        let inputs = inputs.ok_or_else(|| INPUTS.missing())?;
        binary.check_end()?;
        let parameters = parameters.unwrap_or_default();
        let is_binary_key = |input: &Input| input.is_binary && input.tensor.name() == KEY;
        Ok(Self {
            id,
            is_key_binary: inputs.iter().any(is_binary_key),
            inputs: inputs.into_iter().map(|input| input.tensor).collect(),
            outputs: outputs.unwrap_or_default(),
            binary_outputs: parameters.binary_data_output.unwrap_or_default(),
            duplicates: parameters.on_duplicate_key.unwrap_or_default(),
            generate_keys: parameters.generate_keys.unwrap_or_default(),
        })
    }

    /// Reads a raw request for a model with these inputs. All outputs are returned in binary form.
    ///
    /// # Errors
    /// [`Error::RawRequest`] or [`Error::Tensor`].
    pub fn read_raw(bytes: &[u8], inputs: &[TensorSpec]) -> Result<Self> {
        Ok(Self {
            id: None,
            inputs: vec![raw_tensor(bytes, inputs)?],
            outputs: Vec::new(),
            binary_outputs: true,
            is_key_binary: false,
            duplicates: DuplicateKeys::default(),
            generate_keys: false,
        })
    }
}

const INPUTS: Place = Place::Member("inputs");

/// The `id` of a request that was not answered, as far as the body can be read.
#[must_use]
pub fn request_id(body: &[u8]) -> Option<String> {
    struct Id<'id>(&'id mut Option<String>);

    impl<'de> Visitor<'de> for Id<'_> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<(), M::Error> {
            while let Some(name) = map.next_key::<Cow<'_, str>>()? {
                if name == "id" {
                    *self.0 = map.next_value()?;
                } else {
                    map.next_value::<IgnoredAny>()?;
                }
            }
            Ok(())
        }
    }

    let mut id = None;
    // What follows the id may be malformed.
    serde_json::Deserializer::from_slice(body).deserialize_map(Id(&mut id)).ok();
    id
}

fn read_id<'a>(cursor: &mut Cursor<'a>) -> Result<Option<Cow<'a, str>>> {
    if cursor.step_over_null() { Ok(None) } else { Place::Member("id").read_string(cursor).map(Some) }
}

fn read_outputs<'a>(cursor: &mut Cursor<'a>) -> Result<Vec<RequestedOutput<'a>>> {
    if cursor.step_over_null() {
        return Ok(Vec::new());
    }
    Place::Member("outputs").read_list(cursor, read_output)
}

fn read_output<'a>(cursor: &mut Cursor<'a>, idx: usize) -> Result<RequestedOutput<'a>> {
    Place::Element("outputs", idx).enter_object(cursor)?;
    let place = |field| Place::Field("outputs", idx, field);
    let (mut output, mut parameters) = (None, None);
    while let Some(name) = cursor.next_member()? {
        match name.as_ref() {
            "name" => place("name").set(&mut output, place("name").read_string(cursor)?)?,
            "parameters" => {
                place("parameters").set(&mut parameters, Parameters::read(place("parameters"), cursor)?)?;
            }
            _ => _ = cursor.value(),
        }
    }
    let parameters = parameters.unwrap_or_default();
    Ok(RequestedOutput {
        name: output.ok_or_else(|| place("name").missing())?,
        is_binary: parameters.binary_data.unwrap_or_default(),
        classes: parameters.classification,
    })
}

/// An input, and whether it came in binary form.
#[derive(Debug)]
struct Input {
    tensor: Tensor,
    is_binary: bool,
}

/// The fields of an input, which come in any order.
#[derive(Debug)]
struct InputFields<'a> {
    idx: usize,
    name: Option<Cow<'a, str>>,
    datatype: Option<Cow<'a, str>>,
    shape: Option<Vec<u64>>,
    parameters: Option<Parameters>,
    data: Option<Data<'a>>,
}

#[derive(Debug)]
enum Data<'a> {
    Read(Elements),
    /// Data that stood before the name or the datatype.
    Unread(Cursor<'a>),
}

fn read_input(cursor: &mut Cursor<'_>, idx: usize, binary: &mut BinaryInputs<'_>) -> Result<Input> {
    Place::Element("inputs", idx).enter_object(cursor)?;
    let mut input =
        InputFields { idx, name: None, datatype: None, shape: None, parameters: None, data: None };
    while let Some(name) = cursor.next_member()? {
        input.read_field(&name, cursor)?;
    }
    input.into_input(binary)
}

impl<'a> InputFields<'a> {
    fn place(&self, field: &'static str) -> Place {
        Place::Field("inputs", self.idx, field)
    }

    fn read_field(&mut self, name: &str, cursor: &mut Cursor<'a>) -> Result<()> {
        match name {
            "name" => {
                let place = self.place("name");
                place.set(&mut self.name, place.read_string(cursor)?)
            }
            "datatype" => {
                let place = self.place("datatype");
                place.set(&mut self.datatype, place.read_string(cursor)?)
            }
            "shape" => {
                let place = self.place("shape");
                place.set(&mut self.shape, read_shape(place, cursor)?)
            }
            "parameters" => {
                let place = self.place("parameters");
                place.set(&mut self.parameters, Parameters::read(place, cursor)?)
            }
            "data" => {
                let data = self.read_data(cursor)?;
                self.place("data").set(&mut self.data, data)
            }
            _ => {
                cursor.value();
                Ok(())
            }
        }
    }

    fn read_data(&self, cursor: &mut Cursor<'a>) -> Result<Data<'a>> {
        if let (Some(name), Some(datatype)) = (&self.name, &self.datatype) {
            let shape = self.shape.as_deref().unwrap_or_default();
            return read_elements(name, parse_datatype(name, datatype)?, shape, cursor).map(Data::Read);
        }
        let unread = cursor.clone();
        cursor.value();
        Ok(Data::Unread(unread))
    }

    fn into_input(self, binary: &mut BinaryInputs<'_>) -> Result<Input> {
        let missing = |field| Place::Field("inputs", self.idx, field).missing();
        let name = self.name.ok_or_else(|| missing("name"))?;
        let datatype = parse_datatype(&name, &self.datatype.ok_or_else(|| missing("datatype"))?)?;
        let shape = self.shape.ok_or_else(|| missing("shape"))?;
        let binary_size = self.parameters.unwrap_or_default().binary_data_size;
        let elements = match (self.data, binary_size) {
            (None, None) => return Err(Error::MissingData { input: name.into_owned() }),
            (Some(_), Some(_)) => return Err(Error::DataTwice { input: name.into_owned() }),
            (None, Some(n_bytes)) => {
                let data = binary.take(&name, n_bytes)?.to_vec();
                return Ok(Input { tensor: Tensor::new(name, datatype, shape, data)?, is_binary: true });
            }
            (Some(Data::Read(elements)), None) => elements,
            (Some(Data::Unread(mut cursor)), None) => read_elements(&name, datatype, &shape, &mut cursor)?,
        };
        check_sizes(&name, &shape, &elements.sizes)?;
        Ok(Input { tensor: Tensor::new(name, datatype, shape, elements.data)?, is_binary: false })
    }
}

fn parse_datatype(input: &str, datatype: &str) -> Result<Datatype> {
    Datatype::from_name(datatype)
        .ok_or_else(|| Error::UnknownDatatype { input: input.to_owned(), datatype: excerpt(datatype) })
}

fn read_shape(place: Place, cursor: &mut Cursor<'_>) -> Result<Vec<u64>> {
    place.read_list(cursor, |cursor, idx| {
        let dim = cursor.value();
        if idx == MAX_DEPTH {
            return Err(place.wrong("at most 32 sizes", "more"));
        }
        dim.parse().map_err(|_| place.wrong("a list of sizes", dim))
    })
}

/// Checks that data of these sizes is `shape`'s, flat or nested. A shape beyond memory is left to [`Tensor::new`].
fn check_sizes(input: &str, shape: &[u64], sizes: &[u64]) -> Result<()> {
    let found: u64 = sizes.iter().product();
    let is_flat = sizes.len() <= 1
        && shape
            .iter()
            .try_fold(1_u64, |product, &dim| product.checked_mul(dim))
            .is_none_or(|len| len == found);
    if is_flat || sizes == shape {
        return Ok(());
    }
    Err(Error::WrongData { input: input.to_owned(), expected: shape.to_vec(), found: sizes.to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(inputs: &str) -> String {
        format!(r#"{{"inputs":[{inputs}]}}"#)
    }

    #[track_caller]
    fn check_input(input: &str, expect: (&str, Datatype, &[u64], &[u8])) {
        let body = request(input);
        let (name, datatype, shape, data) = expect;
        let tensor = Tensor::new(name, datatype, shape.to_vec(), data.to_vec()).unwrap();
        assert_eq!(InferRequest::read(body.as_bytes(), &[]).unwrap().inputs, [tensor]);
    }

    #[track_caller]
    fn check_error(body: &str, expect: &str) {
        let error = InferRequest::read(body.as_bytes(), &[]).unwrap_err();
        assert_eq!(format!("{} {error}", error.code()), expect);
    }

    #[test]
    fn data_is_flat_or_nested() {
        for data in ["[1,2,3,4]", "[[1,2],[3,4]]"] {
            let input = format!(r#"{{"name":"x","shape":[2,2],"datatype":"UINT8","data":{data}}}"#);
            check_input(&input, ("x", Datatype::Uint8, &[2, 2], &[1, 2, 3, 4]));
        }
    }

    #[test]
    fn fields_come_in_any_order() {
        check_input(
            r#"{"data":[1],"parameters":{"data":[2]},"shape":[1],"new":null,"datatype":"INT8","name":"x"}"#,
            ("x", Datatype::Int8, &[1], &[1]),
        );
    }

    #[test]
    fn a_scalar_has_one_element() {
        for data in ["true", "[true]"] {
            let input = format!(r#"{{"name":"x","shape":[],"datatype":"BOOL","data":{data}}}"#);
            check_input(&input, ("x", Datatype::Bool, &[], &[1]));
        }
    }

    #[test]
    fn no_rows_are_no_elements() {
        check_input(
            r#"{"name":"x","shape":[0,64],"datatype":"FP32","data":[]}"#,
            ("x", Datatype::Fp32, &[0, 64], &[]),
        );
    }

    #[test]
    fn id_and_outputs_are_read() {
        let body = r#"{"id":"4\"2","model_name":"m","inputs":[],
            "outputs":[{"name":"b","parameters":{"binary_data":true}},{"name":"a","parameters":{"classification":3}}]}"#;
        let request = InferRequest::read(body.as_bytes(), &[]).unwrap();
        let output = |name: &'static str, is_binary, classes| RequestedOutput {
            name: name.into(),
            is_binary,
            classes,
        };
        assert_eq!(request.id.as_deref(), Some("4\"2"));
        assert_eq!(request.outputs, [output("b", true, None), output("a", false, Some(3))]);
        assert!(!request.binary_outputs);
    }

    #[test]
    fn inputs_in_binary_form_are_taken_in_their_order() {
        let body = br#"{"parameters":{"binary_data_output":true},"inputs":[
            {"name":"x","shape":[2],"datatype":"INT8","parameters":{"binary_data_size":2}},
            {"name":"y","shape":[1],"datatype":"INT8","data":[7]},
            {"name":"key","parameters":{"binary_data_size":5},"shape":[1],"datatype":"BYTES"}]}"#;
        let request = InferRequest::read(body, b"\x01\x02\x01\0\0\0k").unwrap();
        let data: Vec<&[u8]> = request.inputs.iter().map(Tensor::data).collect();
        assert_eq!(data, [b"\x01\x02".as_slice(), b"\x07", b"\x01\0\0\0k"]);
        assert!(request.binary_outputs && request.is_key_binary);
    }

    #[test]
    fn binary_data_is_what_was_announced() {
        let check = |fields: &str, binary: &[u8], expect: &str| {
            let body = request(&format!(r#"{{"name":"x","shape":[2],"datatype":"INT8",{fields}}}"#));
            let error = InferRequest::read(body.as_bytes(), binary).unwrap_err();
            assert_eq!(format!("{} {error}", error.code()), expect);
        };
        let two = r#""parameters":{"binary_data_size":2}"#;
        check(
            two,
            b"1",
            "binary_tensor_data tensor `x`: expected `2` bytes of binary tensor data, found `1`",
        );
        check(two, b"123", "binary_tensor_data expected no bytes after the last tensor, found `1`");
        check(
            &format!(r#""data":[1,2],{two}"#),
            b"12",
            "wrong_data tensor `x`: expected `data` or `binary_data_size`, found both",
        );
        let huge = r#""parameters":{"binary_data_size":18446744073709551615}"#;
        let expect = "binary_tensor_data tensor `x`: expected `18446744073709551615` bytes of binary tensor data, found `2`";
        check(huge, b"12", expect);
    }

    #[test]
    fn null_is_no_id_and_no_selection() {
        let request = InferRequest::read(br#"{"id":null,"inputs":[],"outputs":null}"#, &[]).unwrap();
        assert_eq!((request.id, request.outputs), (None, vec![]));
    }

    #[test]
    fn rejects_other_forms() {
        check_error("[1]", "malformed_request `body`: expected an object, found `[1]`");
        check_error("{}", "malformed_request expected a field `inputs`, found none");
        check_error(r#"{"inputs":{}}"#, "malformed_request `inputs`: expected a list, found `{}`");
        check_error(&request("7"), "malformed_request `inputs[0]`: expected an object, found `7`");
        check_error(&request("{}"), "malformed_request expected a field `inputs[0].name`, found none");
        check_error(r#"{"id":7}"#, "malformed_request `id`: expected a string, found `7`");
        check_error(
            r#"{"inputs":[],"inputs":[]}"#,
            "malformed_request expected one field `inputs`, found two",
        );
        check_error(
            r#"{"inputs":[],"outputs":[{}]}"#,
            "malformed_request expected a field `outputs[0].name`, found none",
        );
    }

    #[test]
    fn dimensions_are_whole_and_not_negative() {
        for dim in ["-1", "1.5", "1e2", "\"1\"", "null", "18446744073709551616"] {
            let input = format!(r#"{{"name":"x","shape":[{dim}],"datatype":"INT8","data":[1]}}"#);
            check_error(
                &request(&input),
                &format!("malformed_request `inputs[0].shape`: expected a list of sizes, found `{dim}`"),
            );
        }
    }

    #[test]
    fn dimensions_are_few() {
        let input = |n_dims| {
            let shape = vec!["1"; n_dims].join(",");
            request(&format!(r#"{{"name":"x","shape":[{shape}],"datatype":"INT8","data":[1]}}"#))
        };
        assert!(InferRequest::read(input(32).as_bytes(), &[]).is_ok());
        check_error(
            &input(33),
            "malformed_request `inputs[0].shape`: expected at most 32 sizes, found `more`",
        );
    }

    #[test]
    fn sizes_are_those_of_the_shape() {
        let error = |shape: &str, data: &str, found: &str| {
            let input = format!(r#"{{"name":"x","shape":{shape},"datatype":"INT8","data":{data}}}"#);
            let expect =
                format!("tensor `x`: expected data for shape `{shape}`, flat or nested, found sizes");
            check_error(&request(&input), &format!("wrong_data {expect} `{found}`"));
        };
        error("[2]", "[1]", "[1]");
        error("[2]", "[1,2,3]", "[3]");
        error("[2, 2]", "[[1,2,3,4]]", "[1, 4]");
        error("[4]", "[[1,2],[3,4]]", "[2, 2]");
        error("[]", "[[1]]", "[1, 1]");
        error("[]", "[]", "[0]");
    }

    #[test]
    fn a_shape_beyond_memory_is_an_error() {
        check_error(
            &request(r#"{"name":"x","shape":[16,1152921504606846978],"datatype":"INT8","data":[1]}"#),
            "shape_overflow tensor `x`: shape `[16, 1152921504606846978]` has more elements than can be addressed",
        );
    }

    #[test]
    fn a_tensor_needs_data_and_a_known_datatype() {
        check_error(
            &request(r#"{"name":"x","shape":[1],"datatype":"INT8"}"#),
            "missing_data tensor `x`: expected a field `data`, found none",
        );
        check_error(
            &request(r#"{"name":"x","shape":[1],"datatype":"STRING","data":["a"]}"#),
            "unknown_datatype tensor `x`: unknown datatype `STRING`",
        );
    }

    #[test]
    fn the_id_is_found_wherever_the_body_breaks() {
        assert_eq!(request_id(br#"{"id":"a","inputs":[NaN]}"#).as_deref(), Some("a"));
        assert_eq!(request_id(br#"{"inputs":7,"id":"a"}"#).as_deref(), Some("a"));
        assert_eq!(request_id(br#"{"inputs":[NaN],"id":"a"}"#), None);
        assert_eq!(request_id(br#"{"id":7}"#), None);
        assert_eq!(request_id(b"["), None);
    }
}
