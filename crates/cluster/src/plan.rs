//! The plan of a chunk, as the engine sees it: a leaf with one partition, whose one row tells what became of the chunk. The scheduler
//! makes one task of it. Only a plan that an executor has decoded has somebody who does the work.

use std::fmt;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray as _, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result, internal_datafusion_err, internal_err};
use datafusion::execution::TaskContext;
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties, SendableRecordBatchStream,
};

use crate::task::{Outcome, Task};
use crate::worker::Worker;

/// The column with what became of the chunk, as JSON.
const OUTCOME: &str = "outcome";

/// A chunk as a plan.
#[derive(Clone)]
pub(crate) struct ChunkExec {
    task: Task,
    worker: Option<Arc<Worker>>,
    properties: Arc<PlanProperties>,
}

impl ChunkExec {
    /// The plan of a chunk; `worker` does the work, if this is where it is done.
    pub(crate) fn new(task: Task, worker: Option<Arc<Worker>>) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema()),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self { task, worker, properties: Arc::new(properties) }
    }

    pub(crate) const fn task(&self) -> &Task {
        &self.task
    }
}

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new(OUTCOME, DataType::Utf8, false)]))
}

fn row(outcome: &Outcome) -> Result<RecordBatch> {
    let text = serde_json::to_string(outcome).map_err(|error| DataFusionError::External(Box::new(error)))?;
    let column: ArrayRef = Arc::new(StringArray::from(vec![text]));
    Ok(RecordBatch::try_new(schema(), vec![column])?)
}

/// What the rows of a plan tell.
pub(crate) fn outcome(rows: &[RecordBatch]) -> Result<Outcome> {
    let first = rows.iter().find(|batch| batch.num_rows() > 0);
    let column = first.and_then(|batch| batch.column_by_name(OUTCOME)?.as_string_opt::<i32>());
    let text = column.and_then(|column| column.iter().next().flatten());
    let text =
        text.ok_or_else(|| internal_datafusion_err!("expected one row with an outcome, found none"))?;
    serde_json::from_str(text).map_err(|error| DataFusionError::External(Box::new(error)))
}

impl fmt::Debug for ChunkExec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChunkExec").field("task", &self.task).finish_non_exhaustive()
    }
}

impl DisplayAs for ChunkExec {
    fn fmt_as(&self, _form: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChunkExec: output={} chunk={}", self.task.output, self.task.chunk)
    }
}

impl ExecutionPlan for ChunkExec {
    fn name(&self) -> &str {
        "ChunkExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _apply: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if children.is_empty() { Ok(self) } else { internal_err!("a chunk's plan has no children") }
    }

    fn execute(&self, _partition: usize, _context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let Some(worker) = self.worker.clone() else {
            return internal_err!("a chunk runs on an executor of `plinth cluster executor` only");
        };
        let task = self.task.clone();
        let rows = futures::stream::once(async move { row(&worker.run(&task).await) });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema(), rows)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_survives_being_a_row() {
        let failed = Outcome::Failed { is_transient: true, reason: "a \"reason\"".to_owned() };
        for expect in [Outcome::Committed, failed] {
            assert_eq!(outcome(&[row(&expect).unwrap()]).unwrap(), expect);
        }
        assert!(outcome(&[]).is_err());
    }
}
