//! `Exported`: the rest of a read as another library takes it, batch by batch, by the Arrow C interface.

use std::pin::pin;
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchReader};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use tokio::runtime::Runtime;

use super::consumer::Consumer;
use super::runtime::LOOK_UP;
use crate::read;

pub(super) const FORKED: &str = "this read was begun before the process forked: begin it again here";

/// A read that blocks, for consumers in other languages.
pub(super) struct Exported {
    /// Taken out only where it must not be dropped.
    pub(super) batches: Option<read::Batches>,
    pub(super) pending: Option<Result<RecordBatch, ArrowError>>,
    /// Why the read ended before its end.
    pub(super) stopped: Option<String>,
    pub(super) consumer: Consumer,
    pub(super) schema: SchemaRef,
    pub(super) runtime: Arc<Runtime>,
    pub(super) process: u32,
}

impl Exported {
    fn wait(&mut self) -> Option<Result<RecordBatch, ArrowError>> {
        let mut next = pin!(self.batches.as_mut()?.next());
        loop {
            let answer = self.runtime.block_on(async { tokio::time::timeout(LOOK_UP, next.as_mut()).await });
            match answer {
                Ok(answer) => {
                    return answer.map(|batch| batch.map_err(|error| ArrowError::ExternalError(error.into())));
                }
                Err(_) => {
                    if let Err(why) = self.consumer.look_up() {
                        self.stopped = Some(why.clone());
                        return Some(Err(ArrowError::ExternalError(why.into())));
                    }
                }
            }
        }
    }
}

impl Iterator for Exported {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.process != std::process::id() {
            return Some(Err(ArrowError::InvalidArgumentError(FORKED.into())));
        }
        if let Some(why) = &self.stopped {
            return Some(Err(ArrowError::ExternalError(why.clone().into())));
        }
        let next = match self.pending.take() {
            Some(next) => Some(next),
            None => self.wait(),
        };
        if !matches!(next, Some(Ok(_))) && self.batches.take().is_some() {
            self.consumer.leave(self.stopped.is_some());
        }
        next
    }
}

impl RecordBatchReader for Exported {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }
}

impl Drop for Exported {
    fn drop(&mut self) {
        if self.process != std::process::id() {
            // Its task and its runtime live in the parent.
            std::mem::forget(self.batches.take());
            std::mem::forget(self.runtime.clone());
        } else if self.batches.take().is_some() {
            self.consumer.leave(self.stopped.is_some());
        }
    }
}
