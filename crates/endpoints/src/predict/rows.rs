//! Rows (`:predict`): stacked for the model, answered one by one.

use protocol::{Answer, Maps, Partition, Result, Rows};
use tensor::{Metadata, NewKeys};

use crate::Model;
use crate::capture::{Name, Sight};
use crate::model::run;

/// Answers `{"instances": […]}` or `{"inputs": …}`. Without good rows there is nothing to ask the model.
pub(super) fn predict(
    model: &impl Model,
    metadata: &Metadata,
    body: &[u8],
    new_keys: NewKeys,
    sight: &Sight,
) -> Result<Vec<u8>> {
    let maps = Maps::of(metadata);
    let Rows { inputs, answer } = Rows::read(body, &metadata.inputs, &maps, new_keys)?;
    let Some(inputs) = inputs else { return answer.write_empty(&metadata.outputs) };
    let names: Vec<String> = metadata.outputs.iter().map(|spec| spec.name.clone()).collect();
    let asked = sight.keep(metadata, &inputs);
    let outputs = run(model, inputs, &names)?;
    sight.see(answer.client(), || row_names(&answer), asked, &outputs);
    answer.write(&outputs, &maps)
}

pub(crate) fn row_names(answer: &Answer<'_>) -> Vec<Name> {
    let of = |rows: &Partition<'_>| rows.answered().map(|row| Name::of(rows.keys(), row)).collect();
    answer.partition().map_or_else(Vec::new, of)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::fake::{Fake, doubler, failing, greeter, shrinking};
    use crate::predict::Config;

    fn answer(model: &Fake, body: &str) -> Result<String> {
        predict(model, &model.metadata(), body.as_bytes(), Config::default().new_keys, &Sight::default())
            .map(|json| String::from_utf8(json).unwrap())
    }

    #[track_caller]
    fn check(model: &Fake, body: &str, expect: &str) {
        assert_eq!(answer(model, body).as_deref(), Ok(expect));
    }

    #[test]
    fn bad_rows_do_not_reach_the_model() {
        let error =
            r#""error":{"error":"row `1`: unknown field `z`","code":"unknown_field","input":"z","row":1}"#;
        check(
            &doubler(),
            r#"{"instances":[{"key":1,"x":[1,2]},{"key":2,"x":[3,4],"z":0},{"key":3,"x":[5,6]}],"on_row_error":"report"}"#,
            &format!(
                r#"{{"predictions":[{{"key":1,"y":[2.0,4.0]}},{{"key":2,{error}}},{{"key":3,"y":[10.0,12.0]}}]}}"#
            ),
        );
        check(
            &failing(),
            r#"{"instances":[[1]],"on_row_error":"report"}"#,
            concat!(
                r#"{"predictions":[{"error":{"error":"row `0`: tensor `x`: expected a row of shape `[2]`, found `[1]`","#,
                r#""code":"wrong_shape","input":"x","row":0}}]}"#
            ),
        );
    }

    #[test]
    fn rows_left_out_do_not_reach_the_model() {
        let body = r#"{"instances":[[1,2],[3,4]],"keys":["a","a"],"on_duplicate_key":"first"}"#;
        check(&doubler(), body, r#"{"predictions":[{"key":"a","y":[2.0,4.0]}]}"#);
    }

    #[test]
    fn a_model_that_changes_the_rows_is_no_answer() {
        for body in [
            r#"{"instances":[[1,2],[],[3,4]],"on_row_error":"report"}"#,
            r#"{"inputs":[[1,2],[3,4]],"keys":[1,2]}"#,
        ] {
            assert!(matches!(answer(&shrinking(), body), Err(protocol::Error::RowsChanged { .. })));
        }
    }

    #[test]
    fn columns_are_answered_by_columns() {
        check(&doubler(), r#"{"inputs":[[1,2]]}"#, r#"{"outputs":[[2.0,4.0]]}"#);
        check(&failing(), r#"{"inputs":[]}"#, r#"{"outputs":[]}"#);
        check(
            &greeter(),
            r#"{"inputs":{"times":[1,2],"name":["a",{"b64":"/w=="}]},"keys":["k",7]}"#,
            r#"{"outputs":{"greeting":["a",{"b64":"//8="}],"length":[[1],[2]]},"keys":["k",7]}"#,
        );
    }

    fn predictions(instances: &Value) -> Vec<Value> {
        let body = json!({"instances": instances, "on_row_error": "report"}).to_string();
        let mut answer: Value = serde_json::from_str(&answer(&doubler(), &body).unwrap()).unwrap();
        answer["predictions"].as_array_mut().map(std::mem::take).unwrap()
    }

    proptest! {
        #[test]
        fn good_rows_are_answered_as_if_they_were_alone(
            rows in prop::collection::vec((any::<[i16; 2]>(), any::<bool>()), 1..9),
        ) {
            let instance = |&(row, is_good): &([i16; 2], bool)| if is_good { json!(row) } else { json!([row]) };
            let all: Vec<Value> = rows.iter().map(instance).collect();
            let good: Vec<Value> = rows.iter().filter(|(_, is_good)| *is_good).map(instance).collect();
            let answered: Vec<Value> =
                predictions(&json!(all)).into_iter().filter(|place| place.is_array()).collect();
            prop_assert_eq!(answered, predictions(&json!(good)));
        }
    }
}
