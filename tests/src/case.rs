//! Golden cases: a folder each, `tests/golden/<endpoint>/<case>/{case.toml, request.json, response.json}`. Binary tensor data, if
//! there is any, is in `request.bin`: it follows the JSON, whose length a header tells. Requests and responses of other forms than JSON
//! have their names end as [`Form::ending`] says; an Arrow stream that is expected is in JSON, a row as an object.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::answer::Question;
use crate::chunk::Form;
use crate::root;

/// A request and the response that it must get.
#[derive(Clone, Debug)]
pub struct Case {
    /// The folder's name.
    pub name: String,
    /// The request.
    pub question: Question,
    /// The model that serves it.
    pub model: String,
    /// The status code.
    pub status: u16,
    /// The body.
    pub expected: Value,
    /// The form of the body.
    pub form: Form,
    /// How far a number may be from the expected one, relative to the larger of it and 1. Without: exactly equal text.
    pub tolerance: Option<f64>,
    /// Whether the answer has keys of its own, which the expected one numbers.
    pub generated_keys: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    method: String,
    path: String,
    status: u16,
    model: Option<String>,
    tolerance: Option<f64>,
    /// The content type of the request, if it is not that of its form.
    content_type: Option<String>,
    #[serde(default)]
    generated_keys: bool,
    /// Headers of the request.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    repeat: Option<Repeat>,
}

/// The rows of request and response are cycled to this many, keyed `row-0`, `row-1`, …
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Repeat {
    rows: usize,
}

/// All cases of an endpoint, by name.
///
/// # Panics
/// If a case's files are not as they should be.
#[must_use]
pub fn cases(endpoint: &str) -> Vec<Case> {
    let folder = root().join("tests/golden").join(endpoint);
    let mut names: Vec<String> = fs::read_dir(&folder)
        .expect("the endpoint has golden cases")
        .map(|entry| {
            entry.expect("the folder can be read").file_name().into_string().expect("names are UTF-8")
        })
        .collect();
    names.sort();
    names.into_iter().map(|name| read(&folder.join(&name), name)).collect()
}

fn read(folder: &Path, name: String) -> Case {
    let text = fs::read_to_string(folder.join("case.toml")).unwrap_or_else(|error| panic!("{name}: {error}"));
    let description: Description = toml::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
    let (request_form, mut body) = read_body(folder, "request").unwrap_or((Form::Json, Vec::new()));
    let (response_form, response) =
        read_body(folder, "response").unwrap_or_else(|| panic!("{name}: a case has a response"));
    let mut expected = response_form.read(&response);
    // An Arrow stream is expected as rows in JSON.
    let is_answer = description.status == 200;
    let form = if is_answer { request_form } else { response_form };
    if let Some(Repeat { rows }) = description.repeat {
        let mut request = serde_json::from_slice(&body).expect("a repeated request is JSON");
        cycle(&mut request, "instances", rows);
        cycle(&mut expected, "predictions", rows);
        body = request.to_string().into_bytes();
    }
    let mut headers: Vec<(String, String)> = description.headers.into_iter().collect();
    // Only a chunk says what it is; everything else is JSON.
    if description.path.starts_with("/batch/") {
        let content_type = description.content_type.unwrap_or_else(|| request_form.content_type().to_owned());
        headers.push(("content-type".to_owned(), content_type));
    }
    if let Ok(binary) = fs::read(folder.join("request.bin")) {
        headers.push(("inference-header-content-length".to_owned(), body.len().to_string()));
        body.extend(binary);
    }
    Case {
        name,
        question: Question { method: description.method, path: description.path, headers, body },
        model: description.model.unwrap_or_else(|| "digits".to_owned()),
        status: description.status,
        expected,
        form,
        tolerance: description.tolerance,
        generated_keys: description.generated_keys,
    }
}

/// The form and the bytes of the request or the response.
fn read_body(folder: &Path, name: &str) -> Option<(Form, Vec<u8>)> {
    let read = |form: Form| Some((form, fs::read(folder.join(format!("{name}.{}", form.ending()))).ok()?));
    Form::ALL.into_iter().find_map(read)
}

fn cycle(document: &mut Value, field: &str, n_rows: usize) {
    let rows = document[field].as_array().expect("rows are an array").clone();
    let keyed = rows.iter().cycle().take(n_rows).enumerate().map(|(row_idx, row)| {
        let mut row = row.clone();
        row["key"] = Value::from(format!("row-{row_idx}"));
        row
    });
    document[field] = keyed.collect();
}
