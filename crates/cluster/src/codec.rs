//! Plans of chunks as bytes, beside the engine's own nodes.

use std::sync::Arc;

use ballista_core::serde::BallistaPhysicalExtensionCodec;
use datafusion::common::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::physical_plan::ExecutionPlan;
use datafusion_proto::physical_plan::{PhysicalExtensionCodec, PhysicalProtoConverterExtension};

use crate::plan::ChunkExec;
use crate::worker::Worker;

/// What the bytes of a chunk's plan begin with. A message of the engine's begins with a message, this would begin with a number.
const MARK: &[u8] = b"plinth chunk ";

/// Reads and writes plans. Those that it reads are worked on by its worker, if it has one.
#[derive(Debug, Default)]
pub(crate) struct Codec {
    worker: Option<Arc<Worker>>,
    others: BallistaPhysicalExtensionCodec,
}

impl Codec {
    pub(crate) fn of_executor(worker: Arc<Worker>) -> Self {
        Self { worker: Some(worker), ..Self::default() }
    }
}

impl PhysicalExtensionCodec for Codec {
    fn try_decode(
        &self,
        bytes: &[u8],
        inputs: &[Arc<dyn ExecutionPlan>],
        context: &TaskContext,
        converter: &dyn PhysicalProtoConverterExtension,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let Some(task) = bytes.strip_prefix(MARK) else {
            return self.others.try_decode(bytes, inputs, context, converter);
        };
        let task = serde_json::from_slice(task).map_err(external)?;
        Ok(Arc::new(ChunkExec::new(task, self.worker.clone())))
    }

    fn try_encode(
        &self,
        node: Arc<dyn ExecutionPlan>,
        bytes: &mut Vec<u8>,
        converter: &dyn PhysicalProtoConverterExtension,
    ) -> Result<()> {
        let Some(chunk) = node.downcast_ref::<ChunkExec>() else {
            return self.others.try_encode(node, bytes, converter);
        };
        bytes.extend_from_slice(MARK);
        serde_json::to_writer(bytes, chunk.task()).map_err(external)
    }
}

fn external(error: serde_json::Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

#[cfg(test)]
mod tests {
    use datafusion_proto::physical_plan::DefaultPhysicalProtoConverter;

    use super::*;
    use crate::task::Task;

    #[test]
    fn a_chunk_survives_being_bytes() {
        let task =
            Task { output: "s3://b/out".to_owned(), job: "j".to_owned(), chunk: 7, timeout: 60, memory: 64 };
        let (codec, converter) = (Codec::default(), DefaultPhysicalProtoConverter {});
        let mut bytes = Vec::new();
        codec.try_encode(Arc::new(ChunkExec::new(task.clone(), None)), &mut bytes, &converter).unwrap();
        let decoded = codec.try_decode(&bytes, &[], &TaskContext::default(), &converter).unwrap();
        assert_eq!(decoded.downcast_ref::<ChunkExec>().unwrap().task(), &task);
    }
}
