//! Labels from files of their own.

use anyhow::{Result, bail};
use arrow_array::{Array as _, RecordBatch, StringArray, cast::AsArray as _};
use batch::TABLE;
use evaluation::{ClientKey, Label, Labels, seconds};

use super::{arguments::Cut, columns::quoted, read};
use crate::failure::Misuse;

/// A query for labels.
pub(super) struct Query {
    pub(super) text: String,
    /// Whether its third column is the client.
    pub(super) has_client: bool,
}

/// Reads all labels; the first of a key counts.
pub(super) async fn read(cut: &Cut) -> Result<Labels> {
    let mut labels = Labels::default();
    let query = query(cut)?;
    let table = read::open(&cut.labels).await?;
    read::each_batch(&table, &query.text, |batch| {
        each(batch, query.has_client, |key, label| {
            labels.add(key, label);
            Ok(())
        })
    })
    .await?;
    Ok(labels)
}

/// The query for the columns that the user names.
pub(super) fn query(cut: &Cut) -> Result<Query> {
    let columns = cut.label_columns.as_slice();
    if !(2..=4).contains(&columns.len()) {
        let message =
            format!("--label-columns: expected KEY,LABEL[,CLIENT[,TIME]], found {} columns", columns.len());
        return Err(Misuse(message).into());
    }
    let expressions = columns.iter().filter(|column| !column.is_empty());
    let expressions: Vec<String> =
        expressions.map(|column| format!("arrow_cast({}, 'Utf8')", quoted(column))).collect();
    let has_client = columns.get(2).is_some_and(|column| !column.is_empty());
    Ok(Query { text: format!("SELECT {} FROM {TABLE}", expressions.join(", ")), has_client })
}

/// Calls `each` with every label of the query's answer; rows without a key or a label are none.
pub(super) fn each(
    batch: &RecordBatch,
    has_client: bool,
    mut each: impl FnMut(ClientKey, Label) -> Result<()>,
) -> Result<()> {
    let texts: Vec<&StringArray> =
        batch.columns().iter().filter_map(|column| column.as_string_opt()).collect();
    let [keys, values, others @ ..] = texts.as_slice() else { bail!("the labels' query gave no texts") };
    let client = others.first().filter(|_| has_client);
    let time = others.get(usize::from(has_client));
    for row in 0..batch.num_rows() {
        if keys.is_null(row) || values.is_null(row) {
            continue;
        }
        let of = |column: Option<&&StringArray>| {
            column.filter(|texts| !texts.is_null(row)).map(|texts| texts.value(row).to_owned())
        };
        let key = (of(client).unwrap_or_default(), keys.value(row).to_owned());
        let time = of(time).map(|time| seconds(&time)).transpose()?;
        each(key, Label { value: values.value(row).to_owned(), time })?;
    }
    Ok(())
}
