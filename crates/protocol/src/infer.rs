//! An inference request and its response, tensor by tensor.
//!
//! Source: Open Inference Protocol V2, "Inference".

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use tensor::{Datatype, Tensor};

use crate::cursor::{Cursor, excerpt};
use crate::elements::{Elements, MAX_DEPTH, read_elements};
use crate::form::Place;
use crate::write::{ElementWriter, write_list, write_shape, write_string};
use crate::{Error, Result};

/// What an inference request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InferRequest<'a> {
    /// Comes back with the response.
    pub id: Option<Cow<'a, str>>,
    /// The tensors, in the request's order, the key tensor among them. Names may repeat.
    pub inputs: Vec<Tensor>,
    /// The names of the outputs to return, in this order; empty means all. Names may repeat.
    pub outputs: Vec<Cow<'a, str>>,
}

impl<'a> InferRequest<'a> {
    /// Reads the JSON form.
    ///
    /// # Errors
    /// [`Error::MalformedJson`]; [`Error::WrongForm`], [`Error::MissingField`] or [`Error::DuplicateField`] if it is
    /// JSON, but no inference request; an error naming the input if a tensor disagrees with itself.
    pub fn read(body: &'a [u8]) -> Result<Self> {
        let mut cursor = Cursor::new(body)?;
        let (mut id, mut inputs, mut outputs) = (None, None, None);
        Place::Body.enter_object(&mut cursor)?;
        while let Some(name) = cursor.next_member()? {
            match name.as_ref() {
                "id" => id = read_id(&mut cursor)?,
                "inputs" => INPUTS.set(&mut inputs, INPUTS.read_list(&mut cursor, read_input)?)?,
                "outputs" => Place::Member("outputs").set(&mut outputs, read_outputs(&mut cursor)?)?,
                _ => _ = cursor.value(),
            }
        }
        let inputs = inputs.ok_or_else(|| INPUTS.missing())?;
        Ok(Self { id, inputs, outputs: outputs.unwrap_or_default() })
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

/// The answer to an inference request.
#[derive(Clone, Copy, Debug)]
pub struct InferResponse<'a> {
    /// The model that answered.
    pub model_name: &'a str,
    /// Its version.
    pub model_version: &'a str,
    /// The request's `id`.
    pub id: Option<&'a str>,
    /// The outputs, in the order in which they are returned, keys among them.
    pub outputs: &'a [Tensor],
}

impl InferResponse<'_> {
    /// Writes the JSON form, with flat data.
    ///
    /// # Errors
    /// [`Error::BinaryOnlyOutput`] or [`Error::OutputNotUtf8`] if JSON cannot carry an output.
    pub fn write(&self) -> Result<Vec<u8>> {
        let outputs = self.outputs.iter().map(ElementWriter::new).collect::<Result<Vec<_>>>()?;
        let mut json = br#"{"model_name":"#.to_vec();
        write_string(&mut json, self.model_name);
        json.extend_from_slice(br#","model_version":"#);
        write_string(&mut json, self.model_version);
        if let Some(id) = self.id {
            json.extend_from_slice(br#","id":"#);
            write_string(&mut json, id);
        }
        json.extend_from_slice(br#","outputs":"#);
        write_list(&mut json, *b"[]", outputs, write_output);
        json.push(b'}');
        Ok(json)
    }
}

fn write_output(json: &mut Vec<u8>, mut elements: ElementWriter<'_>) {
    let output = elements.output();
    json.extend_from_slice(br#"{"name":"#);
    write_string(json, output.name());
    json.extend_from_slice(br#","datatype":"#);
    write_string(json, output.datatype().name());
    json.extend_from_slice(br#","shape":"#);
    write_shape(json, output.shape());
    json.extend_from_slice(br#","data":"#);
    elements.write(json, &[output.len() as u64]);
    json.push(b'}');
}

fn read_id<'a>(cursor: &mut Cursor<'a>) -> Result<Option<Cow<'a, str>>> {
    if cursor.step_over_null() { Ok(None) } else { Place::Member("id").read_string(cursor).map(Some) }
}

fn read_outputs<'a>(cursor: &mut Cursor<'a>) -> Result<Vec<Cow<'a, str>>> {
    if cursor.step_over_null() {
        return Ok(Vec::new());
    }
    Place::Member("outputs").read_list(cursor, |cursor, idx| {
        Place::Element("outputs", idx).enter_object(cursor)?;
        let place = Place::Field("outputs", idx, "name");
        let mut output = None;
        while let Some(name) = cursor.next_member()? {
            match name.as_ref() {
                "name" => place.set(&mut output, place.read_string(cursor)?)?,
                _ => _ = cursor.value(),
            }
        }
        output.ok_or_else(|| place.missing())
    })
}

/// An input tensor, whose fields come in any order.
#[derive(Debug)]
struct Input<'a> {
    idx: usize,
    name: Option<Cow<'a, str>>,
    datatype: Option<Cow<'a, str>>,
    shape: Option<Vec<u64>>,
    data: Option<Data<'a>>,
}

#[derive(Debug)]
enum Data<'a> {
    Read(Elements),
    /// Data that stood before the name or the datatype.
    Unread(Cursor<'a>),
}

fn read_input(cursor: &mut Cursor<'_>, idx: usize) -> Result<Tensor> {
    Place::Element("inputs", idx).enter_object(cursor)?;
    let mut input = Input { idx, name: None, datatype: None, shape: None, data: None };
    while let Some(name) = cursor.next_member()? {
        input.read_field(&name, cursor)?;
    }
    input.into_tensor()
}

impl<'a> Input<'a> {
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

    fn into_tensor(self) -> Result<Tensor> {
        let missing = |field| Place::Field("inputs", self.idx, field).missing();
        let name = self.name.ok_or_else(|| missing("name"))?;
        let datatype = parse_datatype(&name, &self.datatype.ok_or_else(|| missing("datatype"))?)?;
        let shape = self.shape.ok_or_else(|| missing("shape"))?;
        let elements = match self.data {
            Some(Data::Read(elements)) => elements,
            Some(Data::Unread(mut cursor)) => read_elements(&name, datatype, &shape, &mut cursor)?,
            None => return Err(Error::MissingData { input: name.into_owned() }),
        };
        check_sizes(&name, &shape, &elements.sizes)?;
        Ok(Tensor::new(name, datatype, shape, elements.data)?)
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
            return Err(place.wrong("at most 32 sizes", dim));
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
    use proptest::prelude::*;

    use super::*;

    fn request(inputs: &str) -> String {
        format!(r#"{{"inputs":[{inputs}]}}"#)
    }

    #[track_caller]
    fn check_input(input: &str, expect: (&str, Datatype, &[u64], &[u8])) {
        let body = request(input);
        let (name, datatype, shape, data) = expect;
        let tensor = Tensor::new(name, datatype, shape.to_vec(), data.to_vec()).unwrap();
        assert_eq!(InferRequest::read(body.as_bytes()).unwrap().inputs, [tensor]);
    }

    #[track_caller]
    fn check_error(body: &str, expect: &str) {
        let error = InferRequest::read(body.as_bytes()).unwrap_err();
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
            "outputs":[{"name":"b","parameters":{"binary_data":true}},{"name":"a"}]}"#;
        let request = InferRequest::read(body.as_bytes()).unwrap();
        assert_eq!((request.id.as_deref(), request.outputs), (Some("4\"2"), vec!["b".into(), "a".into()]));
    }

    #[test]
    fn null_is_no_id_and_no_selection() {
        let request = InferRequest::read(br#"{"id":null,"inputs":[],"outputs":null}"#).unwrap();
        assert_eq!(request, InferRequest { id: None, inputs: vec![], outputs: vec![] });
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
        assert!(InferRequest::read(input(32).as_bytes()).is_ok());
        check_error(&input(33), "malformed_request `inputs[0].shape`: expected at most 32 sizes, found `1`");
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

    #[test]
    fn a_response_names_model_id_and_outputs() {
        let outputs = [
            Tensor::new("y", Datatype::Fp32, vec![1, 2], [0.5_f32, -1.0].map(f32::to_le_bytes).concat())
                .unwrap(),
            Tensor::new("key", Datatype::Bytes, vec![1], b"\x01\0\0\0a".to_vec()).unwrap(),
        ];
        let response =
            InferResponse { model_name: "m", model_version: "1", id: Some("42"), outputs: &outputs };
        let expect = concat!(
            r#"{"model_name":"m","model_version":"1","id":"42","outputs":["#,
            r#"{"name":"y","datatype":"FP32","shape":[1,2],"data":[0.5,-1.0]},"#,
            r#"{"name":"key","datatype":"BYTES","shape":[1],"data":["a"]}]}"#,
        );
        assert_eq!(String::from_utf8(response.write().unwrap()).unwrap(), expect);
    }

    proptest! {
        #[test]
        fn what_is_written_as_outputs_reads_as_inputs(numbers in prop::collection::vec(any::<i64>(), 0..9), id: String) {
            let data = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
            let outputs = [Tensor::new("x", Datatype::Int64, vec![numbers.len() as u64], data).unwrap()];
            let response = InferResponse { model_name: "", model_version: "", id: Some(&id), outputs: &outputs };
            let body = String::from_utf8(response.write().unwrap()).unwrap().replacen("\"outputs\"", "\"inputs\"", 1);
            let request = InferRequest::read(body.as_bytes()).unwrap();
            prop_assert_eq!(&request.inputs, &outputs);
            prop_assert_eq!(request.id.as_deref(), Some(id.as_str()));
        }
    }
}
