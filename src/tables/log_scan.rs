//! One reading of the logs, for one plan or for several at once.
//!
//! Its batches are dealt to the partitions of each plan in turn, so that the same logs give each partition the same rows
//! in every run.

use std::fmt;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use datafusion::common::{Result, exec_datafusion_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use tokio::sync::mpsc;

use super::flow_digests::FlowDigests;
use super::logs::Logs;
use super::rows::RequestRows;
use super::scan_columns::{ScanColumns, ScanRequest};
use crate::requests::{Window, scan};

/// One reading of the logs.
pub(super) struct LogScan {
    logs: Arc<Logs>,
    flows: Arc<FlowDigests>,
    window: Window,
    partition_count: usize,
    state: Mutex<ScanState>,
}

#[derive(Default)]
struct ScanState {
    /// What each plan reads.
    requests: Vec<ScanRequest>,
    has_started: bool,
    /// Batches for each partition of the first plan, then of the second, and so on; `None` where they were taken, or
    /// nobody can take them any more.
    receivers: Vec<Option<Receiver>>,
    /// Partitions that were dropped, so that nobody can ask for their batches.
    dropped: Vec<usize>,
}

type Sender = mpsc::Sender<Result<RecordBatch>>;
type Receiver = mpsc::Receiver<Result<RecordBatch>>;

/// Enough that neither side waits for the other at every batch.
const WAITING_BATCHES: usize = 4;

impl LogScan {
    pub(super) fn new(logs: Arc<Logs>, flows: Arc<FlowDigests>, window: Window, partition_count: usize) -> Arc<Self> {
        Arc::new(Self { logs, flows, window, partition_count, state: Mutex::default() })
    }

    /// Adds a plan that reads the columns of `schema`; its partitions.
    pub(super) fn add_plan(
        self: &Arc<Self>,
        request: ScanRequest,
        schema: &SchemaRef,
    ) -> Vec<Arc<dyn PartitionStream>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let first = state.requests.len() * self.partition_count;
        state.requests.push(request);
        let partition = |index| ScanPartition { scan: Arc::clone(self), schema: Arc::clone(schema), index };
        (first..first + self.partition_count).map(|index| Arc::new(partition(index)) as _).collect()
    }

    /// The batches of one partition. The first partition that asks starts the reading. One that asks again starts it
    /// again, which works only for a plan that reads alone.
    fn receiver(self: &Arc<Self>, index: usize) -> Result<Receiver> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(receiver) = state.receivers.get_mut(index).and_then(Option::take) {
            return Ok(receiver);
        }
        if state.has_started && state.requests.len() > 1 {
            return Err(exec_datafusion_err!("a reading that several queries share can't start again"));
        }
        let (senders, receivers): (Vec<_>, Vec<_>) =
            (0..state.requests.len() * self.partition_count).map(|_| mpsc::channel(WAITING_BATCHES)).unzip();
        let is_dropped = |index: usize| state.dropped.contains(&index);
        state.receivers = (0..).zip(receivers).map(|(index, one)| (!is_dropped(index)).then_some(one)).collect();
        state.has_started = true;
        let (scan, requests) = (Arc::clone(self), state.requests.clone());
        self.logs.start_scan();
        thread::spawn(move || scan.run(&requests, &senders));
        let Some(receiver) = state.receivers[index].take() else {
            unreachable!("a partition that asks for its batches was not dropped");
        };
        Ok(receiver)
    }

    /// Nobody waits for the batches of this partition any more: without this the reading would wait for room to put them.
    fn drop_partition(&self, index: usize) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.dropped.push(index);
        if let Some(receiver) = state.receivers.get_mut(index) {
            *receiver = None;
        }
    }

    fn run(&self, requests: &[ScanRequest], senders: &[Sender]) {
        let columns = ScanColumns::new(requests);
        let (sets, flows) = (columns.sets.clone(), Arc::clone(&self.flows));
        let make_rows = move || RequestRows::new(&sets, Arc::clone(&flows));
        let mut turn = 0;
        let tally = scan(self.logs.files.clone(), self.window, make_rows, &self.logs.progress, |joined| {
            // The reading ends when no partition wants more, unless all of the log is to be looked at.
            if senders.iter().all(mpsc::Sender::is_closed) && !self.logs.reads_all {
                return ControlFlow::Break(());
            }
            turn = (turn + 1) % self.partition_count;
            for (plan, batch) in columns.batches(joined).into_iter().enumerate() {
                let failed = |error: ArrowError| exec_datafusion_err!("can't build a batch of requests: {error}");
                if let Some(batch) = batch.map_err(failed).transpose() {
                    let sender = &senders[plan * self.partition_count + turn];
                    let _skipped_if_it_wants_no_more = sender.blocking_send(batch);
                }
            }
            ControlFlow::Continue(())
        });
        self.logs.end_scan(tally);
    }
}

impl fmt::Debug for LogScan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogScan").field("files", &self.logs.files.len()).field("window", &self.window).finish()
    }
}

/// One partition of one plan.
#[derive(Debug)]
struct ScanPartition {
    scan: Arc<LogScan>,
    schema: SchemaRef,
    index: usize,
}

impl PartitionStream for ScanPartition {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let schema = Arc::clone(&self.schema);
        match self.scan.receiver(self.index) {
            Ok(mut receiver) => {
                let batches = futures::stream::poll_fn(move |context| receiver.poll_recv(context));
                Box::pin(RecordBatchStreamAdapter::new(schema, batches))
            }
            Err(error) => Box::pin(RecordBatchStreamAdapter::new(schema, futures::stream::iter([Err(error)]))),
        }
    }
}

impl Drop for ScanPartition {
    fn drop(&mut self) {
        self.scan.drop_partition(self.index);
    }
}
