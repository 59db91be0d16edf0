//! A request row by row: `{"instances": […]}`, answered by `{"predictions": […]}`.
//!
//! An instance is an object of the model's inputs and, optionally, a `key`; for a model with one input it may be the bare
//! value. The values of all rows are stacked into one tensor per input, `[n_rows, …]`; a scalar fits an input `[-1]` or
//! `[-1, 1]`. A prediction is an object of the model's outputs and the key; for a model with one output and no keys it is
//! the bare value.
//!
//! Source: TensorFlow Serving's REST API, "Predict API", row format, <https://www.tensorflow.org/tfx/serving/api_rest>.

use tensor::{KEY, Key, Keys, KeysBuilder, Tensor, TensorSpec};

use crate::cursor::{Cursor, excerpt};
use crate::elements::ElementReader;
use crate::form::Place;
use crate::number::Number;
use crate::write::{ElementWriter, write_key, write_list, write_string};
use crate::{Error, Result};

/// The rows of a request, stacked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rows<'a> {
    /// How many there are.
    pub n_rows: usize,
    /// Their keys, if they have any.
    pub keys: Option<Keys<'a>>,
    /// One tensor per input of the model, in the model's order, `[n_rows, …]`; none if there are no rows.
    pub inputs: Vec<Tensor>,
}

const INSTANCES: Place = Place::Member("instances");

impl<'a> Rows<'a> {
    /// Reads the rows for a model with these inputs.
    ///
    /// # Errors
    /// [`Error::MalformedJson`]; [`Error::WrongForm`], [`Error::MissingField`] or [`Error::DuplicateField`] if it is
    /// JSON, but no list of rows; [`Error::Row`] if one row does not fit the model; [`Error::Tensor`] if the keys do not
    /// name the rows, or the model does not take so many rows.
    pub fn read(body: &'a [u8], inputs: &[TensorSpec]) -> Result<Self> {
        let mut cursor = Cursor::new(body)?;
        let mut rows = None;
        Place::Body.enter_object(&mut cursor)?;
        while let Some(name) = cursor.next_member()? {
            match name.as_ref() {
                "instances" => INSTANCES.set(&mut rows, Self::read_instances(&mut cursor, inputs)?)?,
                _ => _ = cursor.value(),
            }
        }
        rows.ok_or_else(|| INSTANCES.missing())
    }

    fn read_instances(cursor: &mut Cursor<'a>, inputs: &[TensorSpec]) -> Result<Self> {
        let mut columns = inputs.iter().map(Column::new).collect::<Result<Vec<_>>>()?;
        let mut keys = KeysBuilder::default();
        let n_rows = INSTANCES.read_each(cursor, |cursor, row| {
            keys.push(read_row(cursor, row, &mut columns)?);
            Ok(())
        })?;
        if n_rows == 0 {
            return Ok(Self { n_rows, keys: None, inputs: Vec::new() });
        }
        let inputs = columns.into_iter().map(Column::into_tensor).collect::<Result<_>>()?;
        Ok(Self { n_rows, keys: keys.build()?, inputs })
    }
}

fn read_row<'a>(cursor: &mut Cursor<'a>, row: usize, columns: &mut [Column<'_>]) -> Result<Option<Key<'a>>> {
    let start = cursor.clone();
    read_fields(cursor, row, columns).map_err(|error| Error::Row {
        row,
        key: find_key(start).map(Key::into_owned),
        error: Box::new(error),
    })
}

fn read_fields<'a>(
    cursor: &mut Cursor<'a>,
    row: usize,
    columns: &mut [Column<'_>],
) -> Result<Option<Key<'a>>> {
    if !cursor.enter_object() {
        return read_bare(cursor, columns).map(|()| None);
    }
    let mut key = None;
    while let Some(name) = cursor.next_member()? {
        if name == KEY {
            Place::Member(KEY).set(&mut key, read_key(cursor)?)?;
            continue;
        }
        match columns.iter_mut().find(|column| column.spec.name == name) {
            Some(column) if column.n_rows == row => column.read_row(cursor)?,
            Some(_) => return Err(Error::DuplicateInput { input: name.into_owned() }),
            None => return Err(Error::UnknownField { field: name.into_owned() }),
        }
    }
    match columns.iter().find(|column| column.n_rows == row) {
        None => Ok(key),
        Some(column) => Err(Error::MissingInput { input: column.spec.name.clone() }),
    }
}

fn read_bare(cursor: &mut Cursor<'_>, columns: &mut [Column<'_>]) -> Result<()> {
    match columns {
        [column] => column.read_row(cursor),
        _ => Err(Error::BareRow { found: excerpt(cursor.value()) }),
    }
}

fn read_key<'a>(cursor: &mut Cursor<'a>) -> Result<Key<'a>> {
    if let Some(text) = cursor.string()? {
        return Ok(Key::Text(text));
    }
    let mut value = cursor.clone();
    match cursor.number().and_then(Number::to_integer) {
        Some(number) if number >= i64::MIN.into() => Ok(Key::Integer(number)),
        _ => Err(Error::InvalidKey { found: excerpt(value.value()) }),
    }
}

/// The key of a row that has an error, if it has a valid one.
fn find_key(mut cursor: Cursor<'_>) -> Option<Key<'_>> {
    if !cursor.enter_object() {
        return None;
    }
    while let Some(name) = cursor.next_member().ok()? {
        if name == KEY {
            return read_key(&mut cursor).ok();
        }
        cursor.value();
    }
    None
}

/// The values of all rows for one input.
#[derive(Debug)]
struct Column<'s> {
    spec: &'s TensorSpec,
    elements: ElementReader<'s>,
    // Invariant: fits the declared row shape; all rows have it.
    row_shape: Option<Vec<u64>>,
    n_rows: usize,
}

impl<'s> Column<'s> {
    fn new(spec: &'s TensorSpec) -> Result<Self> {
        let elements = ElementReader::new(&spec.name, spec.datatype)?;
        Ok(Self { spec, elements, row_shape: None, n_rows: 0 })
    }

    fn read_row(&mut self, cursor: &mut Cursor<'_>) -> Result<()> {
        let mut row_shape = self.elements.read(cursor)?;
        if row_shape.is_empty() && self.spec.row_shape() == [1] {
            row_shape.push(1);
        }
        match &self.row_shape {
            Some(first) if *first == row_shape => {}
            None if self.spec.accepts_row_shape(&row_shape) => self.row_shape = Some(row_shape),
            _ => return Err(self.wrong_row_shape(row_shape)),
        }
        self.n_rows += 1;
        Ok(())
    }

    fn wrong_row_shape(&self, found: Vec<u64>) -> Error {
        let declared = self.spec.row_shape().to_vec();
        let as_first = |first: &Vec<u64>| first.iter().map(|&dim| i64::try_from(dim).unwrap_or(-1)).collect();
        let expected = self.row_shape.as_ref().map_or(declared, as_first);
        Error::WrongRowShape { input: self.spec.name.clone(), expected, found }
    }

    fn into_tensor(self) -> Result<Tensor> {
        let mut shape = vec![self.n_rows as u64];
        shape.extend(self.row_shape.unwrap_or_default());
        let tensor = Tensor::new(&self.spec.name, self.spec.datatype, shape, self.elements.into_data())?;
        self.spec.check(&tensor)?;
        Ok(tensor)
    }
}

/// The answer to a request of `n_rows` rows. The first dimension of each output must count them.
///
/// # Errors
/// [`Error::RowsChanged`] if it does not; [`Error::BinaryOnlyOutput`] or [`Error::OutputNotUtf8`] if JSON cannot carry an
/// output.
pub fn predictions(n_rows: usize, keys: Option<&Keys<'_>>, outputs: &[Tensor]) -> Result<Vec<u8>> {
    let mut columns =
        outputs.iter().map(|output| OutputColumn::new(output, n_rows)).collect::<Result<Vec<_>>>()?;
    let mut keys = keys.map(Keys::iter);
    let mut json = br#"{"predictions":"#.to_vec();
    write_list(&mut json, *b"[]", 0..n_rows, |json, _| {
        match (keys.as_mut().map(|keys| keys.next()), columns.as_mut_slice()) {
            (None, [column]) => column.write_row(json),
            (key, columns) => write_fields(json, key.flatten(), columns),
        }
    });
    json.push(b'}');
    Ok(json)
}

fn write_fields(json: &mut Vec<u8>, key: Option<&Key<'_>>, columns: &mut [OutputColumn<'_>]) {
    json.push(b'{');
    if let Some(key) = key {
        write_string(json, KEY);
        json.push(b':');
        write_key(json, key);
    }
    for (idx, column) in columns.iter_mut().enumerate() {
        if idx > 0 || key.is_some() {
            json.push(b',');
        }
        write_string(json, column.elements.output().name());
        json.push(b':');
        column.write_row(json);
    }
    json.push(b'}');
}

/// An output, of which each row is one prediction's.
#[derive(Debug)]
struct OutputColumn<'a> {
    elements: ElementWriter<'a>,
    row_shape: &'a [u64],
}

impl<'a> OutputColumn<'a> {
    fn new(output: &'a Tensor, n_rows: usize) -> Result<Self> {
        match output.shape() {
            [first, row_shape @ ..] if *first == n_rows as u64 => {
                Ok(Self { elements: ElementWriter::new(output)?, row_shape })
            }
            shape => Err(Error::RowsChanged {
                output: output.name().to_owned(),
                expected: n_rows as u64,
                found: shape.to_vec(),
            }),
        }
    }

    fn write_row(&mut self, json: &mut Vec<u8>) {
        self.elements.write(json, self.row_shape);
    }
}

#[cfg(test)]
mod tests {
    use tensor::Datatype;

    use super::*;

    fn spec(name: &str, datatype: Datatype, shape: &[i64]) -> TensorSpec {
        TensorSpec { name: name.to_owned(), datatype, shape: shape.to_vec() }
    }

    fn uint8(name: &str, shape: &[u64], data: &[u8]) -> Tensor {
        Tensor::new(name, Datatype::Uint8, shape.to_vec(), data.to_vec()).unwrap()
    }

    fn body(instances: &str) -> String {
        format!(r#"{{"instances":[{instances}]}}"#)
    }

    fn text(text: &str) -> Key<'_> {
        Key::Text(text.into())
    }

    #[track_caller]
    fn check_one(shape: &[i64], instances: &str, expect_shape: &[u64], expect_data: &[u8]) {
        let body = body(instances);
        let rows = Rows::read(body.as_bytes(), &[spec("x", Datatype::Uint8, shape)]).unwrap();
        assert_eq!(rows.inputs, [uint8("x", expect_shape, expect_data)]);
    }

    #[track_caller]
    fn check_keys(instances: &str, expect: &[Key<'_>]) {
        let body = body(instances);
        let keys = Rows::read(body.as_bytes(), &[spec("x", Datatype::Uint8, &[-1])]).unwrap().keys.unwrap();
        assert!(keys.iter().eq(expect));
    }

    #[track_caller]
    fn check_error(instances: &str, expect: &str) {
        let inputs = [spec("a", Datatype::Uint8, &[-1]), spec("b", Datatype::Uint8, &[-1, 2])];
        let error = Rows::read(body(instances).as_bytes(), &inputs).unwrap_err();
        assert_eq!(format!("{} {error}", error.code()), expect);
    }

    #[track_caller]
    fn check_predictions(keys: Option<Vec<Key<'_>>>, outputs: &[Tensor], expect: &str) {
        let keys = keys.map(|keys| Keys::new(keys).unwrap());
        let json = predictions(2, keys.as_ref(), outputs).unwrap();
        assert_eq!(String::from_utf8(json).unwrap(), expect);
    }

    #[test]
    fn rows_are_stacked() {
        check_one(&[-1], "1,2,3", &[3], &[1, 2, 3]);
        check_one(&[-1, 2], "[1,2],[3,4]", &[2, 2], &[1, 2, 3, 4]);
        check_one(&[-1, 1, 2], "[[1,2]],[[3,4]]", &[2, 1, 2], &[1, 2, 3, 4]);
        check_one(&[-1, -1], "[1,2,3]", &[1, 3], &[1, 2, 3]);
        check_one(&[-1, 2], r#"{"x":[1,2]},[3,4]"#, &[2, 2], &[1, 2, 3, 4]);
    }

    #[test]
    fn a_scalar_fits_a_column_of_one() {
        check_one(&[-1, 1], "1,[2],{\"x\":3}", &[3, 1], &[1, 2, 3]);
    }

    #[test]
    fn inputs_are_in_the_models_order() {
        let inputs = [spec("a", Datatype::Uint8, &[-1]), spec("b", Datatype::Uint8, &[-1, 2])];
        let body = body(r#"{"b":[1,2],"a":3},{"a":4,"b":[5,6]}"#);
        let rows = Rows::read(body.as_bytes(), &inputs).unwrap();
        assert_eq!(rows.inputs, [uint8("a", &[2], &[3, 4]), uint8("b", &[2, 2], &[1, 2, 5, 6])]);
        assert_eq!((rows.n_rows, rows.keys), (2, None));
    }

    #[test]
    fn keys_are_strings_and_whole_numbers() {
        check_keys(
            r#"{"key":"a","x":1},{"x":2,"key":9007199254740993},{"key":"9","x":3},{"key":"\u00e9","x":4}"#,
            &[text("a"), Key::Integer(9_007_199_254_740_993), text("9"), text("é")],
        );
        check_keys(
            r#"{"key":-9223372036854775808,"x":1},{"key":18446744073709551615,"x":2}"#,
            &[Key::Integer(i64::MIN.into()), Key::Integer(u64::MAX.into())],
        );
    }

    #[test]
    fn other_keys_are_refused() {
        for key in ["null", "1.0", "true", "[1]", "{}", "18446744073709551616"] {
            check_error(
                &format!(r#"{{"a":1,"b":[1,2],"key":{key}}}"#),
                &format!("invalid_key row `0`: expected a string or a 64-bit integer as key, found `{key}`"),
            );
        }
    }

    #[test]
    fn a_row_with_an_error_is_named() {
        check_error(
            r#"{"a":1,"b":[1,2],"key":"k"},{"b":[1,2],"key":"l"}"#,
            "missing_input row `1`, key `l`: missing input `a`",
        );
        check_error(r#"{"a":1,"c":2,"key":7}"#, "unknown_field row `0`, key `7`: unknown field `c`");
        check_error(
            r#"{"a":1,"a":1,"b":[1,2]}"#,
            "duplicate_input row `0`: expected one input `a`, found two",
        );
        check_error(
            r#"{"a":1,"b":[1,2]},{"a":1,"b":[1]}"#,
            "wrong_shape row `1`: tensor `b`: expected a row of shape `[2]`, found `[1]`",
        );
        check_error(
            r#"{"a":[1],"b":[1,2]}"#,
            "wrong_shape row `0`: tensor `a`: expected a row of shape `[]`, found `[1]`",
        );
        check_error(
            r#"{"a":"1","b":[1,2]}"#,
            "wrong_element row `0`: tensor `a`: expected `UINT8` at element `0`, found `\"1\"`",
        );
        check_error("[1,2]", "bare_row row `0`: expected an object that names the inputs, found `[1,2]`");
        check_error(
            r#"{"key":1,"key":2}"#,
            "malformed_request row `0`, key `1`: expected one field `key`, found two",
        );
    }

    #[test]
    fn the_second_row_is_shaped_as_the_first() {
        let error =
            Rows::read(b"{\"instances\":[[1],[1,2]]}", &[spec("x", Datatype::Uint8, &[-1, -1])]).unwrap_err();
        let expect = "row `1`: tensor `x`: expected a row of shape `[1]`, found `[2]`";
        assert_eq!(error.to_string(), expect);
    }

    #[test]
    fn a_model_for_one_row_takes_one() {
        let inputs = [spec("x", Datatype::Uint8, &[1, 2])];
        assert!(Rows::read(b"{\"instances\":[[1,2]]}", &inputs).is_ok());
        let error = Rows::read(b"{\"instances\":[[1,2],[3,4]]}", &inputs).unwrap_err();
        assert_eq!(error.to_string(), "tensor `x`: expected shape `[1, 2]`, found `[2, 2]`");
    }

    #[test]
    fn keys_are_on_every_row_or_on_none() {
        check_error(
            r#"{"a":1,"b":[1,2]},{"a":1,"b":[1,2],"key":"k"}"#,
            "missing_key expected a key on every row or on none, found none on row `0`",
        );
        check_error(
            r#"{"a":1,"b":[1,2],"key":"k"},{"a":1,"b":[1,2],"key":"k"}"#,
            "duplicate_key expected different keys, found `k` on rows `0` and `1`",
        );
    }

    #[test]
    fn no_instances_are_no_rows() {
        let rows = Rows::read(b"{\"signature_name\":\"s\",\"instances\":[]}", &[]).unwrap();
        assert_eq!(rows, Rows { n_rows: 0, keys: None, inputs: vec![] });
        let error = Rows::read(b"{\"inputs\":[]}", &[]).unwrap_err();
        assert_eq!(error.to_string(), "expected a field `instances`, found none");
    }

    #[test]
    fn a_prediction_is_an_object_if_it_has_a_name() {
        let one = [uint8("y", &[2], &[1, 2])];
        let two = [uint8("y", &[2], &[1, 2]), uint8("z", &[2, 1, 2], &[3, 4, 5, 6])];
        let keys = vec![text("a"), Key::Integer(7)];
        check_predictions(None, &one, r#"{"predictions":[1,2]}"#);
        check_predictions(None, &two, r#"{"predictions":[{"y":1,"z":[[3,4]]},{"y":2,"z":[[5,6]]}]}"#);
        check_predictions(Some(keys), &one, r#"{"predictions":[{"key":"a","y":1},{"key":7,"y":2}]}"#);
    }

    #[test]
    fn an_output_with_other_rows_is_no_answer() {
        for shape in [&[1_u64, 2][..], &[]] {
            let n_elements = usize::try_from(shape.iter().product::<u64>()).unwrap();
            let output = uint8("y", shape, &vec![0; n_elements]);
            let expect = Error::RowsChanged { output: "y".to_owned(), expected: 2, found: shape.to_vec() };
            assert_eq!(predictions(2, None, &[output]), Err(expect));
        }
    }
}
