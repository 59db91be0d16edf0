//! Queries that are put before the model. They see a chunk, not the whole input, so only what works row by row is allowed: choosing,
//! computing and filtering. The number of each row goes along.

use datafusion::common::tree_node::{Transformed, TreeNode as _};
use datafusion::common::{Column, DataFusionError};
use datafusion::execution::context::SessionContext;
use datafusion::logical_expr::{Expr, LogicalPlan, Projection};
use datafusion::prelude::DataFrame;

use crate::scan::ROW;
use crate::sql::read_only;
use crate::{Error, Result};

/// What the query selects, with the number of each row.
///
/// # Errors
/// [`Error::InvalidQuery`] if it is no query over `input`, [`Error::NotRowByRow`] if an answer would depend on other rows.
pub(crate) async fn row_by_row(context: &SessionContext, sql: &str) -> Result<DataFrame> {
    let frame = context.sql_with_options(sql, read_only()).await;
    let frame = frame.map_err(|error| Error::InvalidQuery { reason: error.strip_backtrace() })?;
    let (state, plan) = frame.into_parts();
    let plan = plan.transform_up(numbered)?.data;
    Ok(DataFrame::new(state, plan))
}

/// The node, which also passes on the rows' numbers.
fn numbered(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>, DataFusionError> {
    match plan {
        LogicalPlan::Projection(projection) => {
            let is_there = projection.schema.has_column_with_unqualified_name(ROW);
            let mut expressions = projection.expr;
            if !is_there {
                expressions.push(Expr::Column(Column::new_unqualified(ROW)));
            }
            Ok(Transformed::yes(LogicalPlan::Projection(Projection::try_new(expressions, projection.input)?)))
        }
        LogicalPlan::Filter(_) | LogicalPlan::SubqueryAlias(_) => {
            plan.recompute_schema().map(Transformed::yes)
        }
        LogicalPlan::TableScan(_) => Ok(Transformed::no(plan)),
        other => Err(DataFusionError::External(Box::new(Error::NotRowByRow { found: kind(&other) }))),
    }
}

fn kind(plan: &LogicalPlan) -> String {
    let text = plan.display().to_string();
    text.split([':', ' ']).next().unwrap_or_default().to_owned()
}
