//! Queries over files, with `predict` as a function: for looking at data, not for jobs. Nothing is committed, and a bad row has its error
//! in the answer.

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::execution::context::{SQLOptions, SessionContext};
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::prelude::{DataFrame, SessionConfig};

use crate::function::{Models, function};
use crate::{Result, Stores};

/// The answer of a query whose tables are files: `FROM 'data/*.parquet'`.
///
/// # Errors
/// [`crate::Error::Query`]; what the stores say.
pub async fn query(sql: &str, models: Models, stores: &Stores) -> Result<DataFrame> {
    let context = SessionContext::new_with_config(SessionConfig::new()).enable_url_table();
    context.register_udf(function(Arc::new(models)));
    for root in remote_roots(sql) {
        let location = stores.locate(&root)?;
        let url = ObjectStoreUrl::parse(&root)?;
        context.register_object_store(url.as_ref(), Arc::clone(location.store()));
    }
    Ok(context.sql_with_options(sql, read_only()).await?)
}

/// What a query may do: read.
pub(crate) fn read_only() -> SQLOptions {
    SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false)
}

/// Rows as people read them.
///
/// # Errors
/// [`crate::Error::Query`] if a value cannot be shown.
pub fn table(rows: &RecordBatch) -> Result<String> {
    Ok(datafusion::arrow::util::pretty::pretty_format_batches(std::slice::from_ref(rows))?.to_string())
}

/// `scheme://bucket` of every text in quotes that has one.
fn remote_roots(sql: &str) -> impl Iterator<Item = String> {
    sql.split('\'').skip(1).step_by(2).filter_map(|text| {
        let (scheme, rest) = text.split_once("://")?;
        let bucket = rest.split('/').next()?;
        (scheme != "file").then(|| format!("{scheme}://{bucket}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_those_in_quotes() {
        let sql = "SELECT 's3 is', a FROM 's3://b/x/*.parquet' JOIN 'file:///y' JOIN 'gs://c'";
        assert_eq!(remote_roots(sql).collect::<Vec<_>>(), ["s3://b", "gs://c"]);
    }
}
