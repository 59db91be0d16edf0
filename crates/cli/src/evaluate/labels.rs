//! Labels from files of their own.

use anyhow::{Result, bail};
use arrow_array::{Array as _, RecordBatch, StringArray, cast::AsArray as _};
use batch::TABLE;
use evaluation::{Label, Labels, seconds};

use super::{arguments::Cut, columns::quoted, read};
use crate::failure::Misuse;

/// Reads all labels; the first of a key counts.
pub(super) async fn read(cut: &Cut) -> Result<Labels> {
    let mut labels = Labels::default();
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
    let query = format!("SELECT {} FROM {TABLE}", expressions.join(", "));
    let table = read::open(&cut.labels).await?;
    read::each_batch(&table, &query, |batch| add(&mut labels, batch, has_client)).await?;
    Ok(labels)
}

fn add(labels: &mut Labels, batch: &RecordBatch, has_client: bool) -> Result<()> {
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
        labels.add(key, Label { value: values.value(row).to_owned(), time });
    }
    Ok(())
}
