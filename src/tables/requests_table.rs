//! The `requests` table: a scan of the logs each time it is read, so that no log has to fit in memory.

use std::fmt;
use std::ops::ControlFlow;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{Result, ScalarValue, exec_datafusion_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{BinaryExpr, Expr, Operator, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use tokio::sync::mpsc;

use super::columns::schema;
use super::flow_digests::FlowDigests;
use super::row_filter::RowFilter;
use super::rows::RequestRows;
use super::wants::{Want, Wants};
use crate::apf::RequestDigest;
use crate::audit::Micros;
use crate::requests::{Progress, Tally, Window, scan};
use crate::source::LogFile;

/// The logs behind the table, and what reading them found.
#[derive(Debug)]
pub struct Logs {
    /// The files, in the order in which to read them.
    pub files: Vec<Arc<LogFile>>,
    /// The span of time asked for.
    pub window: Window,
    /// Whether to read to the end even if the answer needs no more.
    pub reads_all: bool,
    /// How far the scan that runs has come.
    pub progress: Arc<Progress>,
    reading: Mutex<Reading>,
    stopped: Condvar,
}

#[derive(Debug, Default)]
struct Reading {
    /// Scans that run.
    running: usize,
    tally: Option<Tally>,
}

impl Logs {
    /// Logs that nobody has read yet.
    pub fn new(files: Vec<Arc<LogFile>>, window: Window, reads_all: bool) -> Arc<Self> {
        Self::with_progress(files, window, reads_all, Arc::default())
    }

    /// The same, counted on by what else reads the same logs.
    pub fn with_progress(
        files: Vec<Arc<LogFile>>,
        window: Window,
        reads_all: bool,
        progress: Arc<Progress>,
    ) -> Arc<Self> {
        Arc::new(Self { files, window, reads_all, progress, reading: Mutex::default(), stopped: Condvar::new() })
    }

    /// What reading found, once no scan runs any more; `None` if none was begun. Of several scans, the one that read most
    /// counts.
    pub fn tally(&self) -> Option<Tally> {
        let reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let reading = self.stopped.wait_while(reading, |reading| reading.running > 0);
        reading.unwrap_or_else(PoisonError::into_inner).tally.clone()
    }

    fn begin(&self) {
        self.reading.lock().unwrap_or_else(PoisonError::into_inner).running += 1;
    }

    fn end(&self, tally: Tally) {
        let mut reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        reading.running -= 1;
        if reading.tally.as_ref().is_none_or(|kept| kept.lines() < tally.lines()) {
            reading.tally = Some(tally);
        }
        self.stopped.notify_all();
    }
}

/// The table provider.
#[derive(Debug)]
pub(super) struct RequestsTable {
    logs: Arc<Logs>,
    schema: SchemaRef,
    flows: Arc<FlowDigests>,
    /// The reading that the plans made now are to share.
    shared: Mutex<Option<Arc<Reader>>>,
}

impl RequestsTable {
    pub(super) fn new(logs: Arc<Logs>) -> Self {
        Self { logs, schema: schema(), flows: Arc::default(), shared: Mutex::default() }
    }

    /// Takes what stands behind the flow keys that were read.
    pub(super) fn take_digests(&self) -> Vec<(i64, RequestDigest)> {
        self.flows.take()
    }

    fn reader(&self, window: Window, partition_count: usize) -> Arc<Reader> {
        Arc::new(Reader {
            logs: Arc::clone(&self.logs),
            flows: Arc::clone(&self.flows),
            window,
            partition_count,
            plans: Mutex::default(),
            running: Mutex::default(),
        })
    }

    /// Until [`Self::share_no_more`], all plans that are made read the logs together, once. They must all be run, at the
    /// same time.
    pub(super) fn share(&self, partition_count: usize) {
        *self.shared() = Some(self.reader(self.logs.window, partition_count));
    }

    pub(super) fn share_no_more(&self) {
        *self.shared() = None;
    }

    fn shared(&self) -> MutexGuard<'_, Option<Arc<Reader>>> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl TableProvider for RequestsTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    /// What a [`RowFilter`] can tell, and bounds of time, narrow what is made. DataFusion looks at all conditions again,
    /// and lays the few rows that are left together.
    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let is_used = |filter: &Expr| bound(filter).is_some() || RowFilter::of(filter).is_some();
        Ok(filters
            .iter()
            .map(|filter| match is_used(filter) {
                true => TableProviderFilterPushDown::Inexact,
                false => TableProviderFilterPushDown::Unsupported,
            })
            .collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let projection = projection.cloned().unwrap_or_else(|| (0..self.schema.fields().len()).collect());
        let schema: SchemaRef = Arc::new(self.schema.project(&projection)?);
        let partition_count = state.config().target_partitions();
        let shared = self.shared().clone();
        let reader = shared.unwrap_or_else(|| {
            let bounds = filters.iter().filter_map(bound);
            let window = bounds.fold(self.logs.window, |window, bound| bound.narrow(window));
            self.reader(window, partition_count)
        });
        let partition_count = reader.partition_count;
        let filters: Vec<RowFilter> = filters.iter().filter_map(RowFilter::of).collect();
        let filter = (!filters.is_empty()).then_some(RowFilter::All(filters));
        let first = reader.add_plan(Want { columns: projection, filter });
        let partition = |index| Partition { reader: Arc::clone(&reader), schema: Arc::clone(&schema), index };
        let partitions = (first..first + partition_count).map(|index| Arc::new(partition(index)) as _).collect();
        let plan = StreamingTableExec::try_new(Arc::clone(&schema), partitions, None, [], false, limit)?;
        Ok(Arc::new(plan))
    }
}

/// A bound that a filter sets on the time of the rows.
enum Bound {
    From(Micros),
    To(Micros),
}

impl Bound {
    fn narrow(&self, window: Window) -> Window {
        match *self {
            Self::From(at) => Window { from: window.from.max(Some(at)), ..window },
            Self::To(at) => Window { to: Some(window.to.map_or(at, |to| to.min(at))), ..window },
        }
    }
}

/// The bound in `column <operator> literal`: a request that was received, or ended, at or after an instant has not ended
/// before it; one received before an instant has begun by then.
fn bound(filter: &Expr) -> Option<Bound> {
    let Expr::BinaryExpr(BinaryExpr { left, op, right }) = filter else {
        return None;
    };
    let (column, op, literal) = match (&**left, &**right) {
        (Expr::Column(column), Expr::Literal(literal, _)) => (column, *op, literal),
        (Expr::Literal(literal, _), Expr::Column(column)) => (column, op.swap()?, literal),
        _ => return None,
    };
    let ScalarValue::TimestampMicrosecond(Some(at), _) = literal else {
        return None;
    };
    match (column.name(), op) {
        ("received_at" | "completed_at", Operator::Gt | Operator::GtEq) => Some(Bound::From(*at)),
        ("received_at", Operator::Lt | Operator::LtEq) => Some(Bound::To(*at)),
        _ => None,
    }
}

/// One reading of the logs, for one plan or for several at once. Its batches are dealt to the partitions of each plan in
/// turn, so that the same logs give each partition the same rows in every run.
struct Reader {
    logs: Arc<Logs>,
    flows: Arc<FlowDigests>,
    window: Window,
    partition_count: usize,
    /// What each plan reads.
    plans: Mutex<Vec<Want>>,
    /// By plan, then by partition.
    running: Mutex<Vec<Option<Receiver>>>,
}

type Sender = mpsc::Sender<Result<RecordBatch>>;
type Receiver = mpsc::Receiver<Result<RecordBatch>>;

/// Enough that neither side waits for the other at every batch.
const WAITING_BATCHES: usize = 4;

impl Reader {
    /// Takes up a plan; the index of its first stream.
    fn add_plan(&self, want: Want) -> usize {
        let mut plans = self.plans.lock().unwrap_or_else(PoisonError::into_inner);
        plans.push(want);
        (plans.len() - 1) * self.partition_count
    }

    /// The stream of one partition of one plan. The first to ask starts the reading; one that asks again starts it anew,
    /// which only a plan that reads alone may do.
    fn stream(self: &Arc<Self>, index: usize) -> Result<Receiver> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(receiver) = running.get_mut(index).and_then(Option::take) {
            return Ok(receiver);
        }
        let plans = self.plans.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if plans.len() > 1 && !running.is_empty() {
            return Err(exec_datafusion_err!("a reading that several queries share can't begin again"));
        }
        let (senders, receivers): (Vec<_>, Vec<_>) =
            (0..plans.len() * self.partition_count).map(|_| mpsc::channel(WAITING_BATCHES)).unzip();
        *running = receivers.into_iter().map(Some).collect();
        let reader = Arc::clone(self);
        self.logs.begin();
        thread::spawn(move || reader.run(&plans, &senders));
        let Some(receiver) = running[index].take() else {
            unreachable!("a channel was made for each partition");
        };
        Ok(receiver)
    }

    fn run(&self, plans: &[Want], senders: &[Sender]) {
        let wants = Wants::of(plans);
        let (fills, flows) = (wants.fills.clone(), Arc::clone(&self.flows));
        let make_rows = move || RequestRows::new(&fills, Arc::clone(&flows));
        let mut turn = 0;
        let tally = scan(self.logs.files.clone(), self.window, make_rows, &self.logs.progress, |joined| {
            // The reading ends when no partition wants more, unless all of the log is to be looked at.
            if senders.iter().all(mpsc::Sender::is_closed) && !self.logs.reads_all {
                return ControlFlow::Break(());
            }
            turn = (turn + 1) % self.partition_count;
            for (plan, batch) in wants.batches(joined).into_iter().enumerate() {
                let failed = |error: ArrowError| exec_datafusion_err!("can't build a batch of requests: {error}");
                if let Some(batch) = batch.map_err(failed).transpose() {
                    let sender = &senders[plan * self.partition_count + turn];
                    let _passed_over_if_it_wants_no_more = sender.blocking_send(batch);
                }
            }
            ControlFlow::Continue(())
        });
        self.logs.end(tally);
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("files", &self.logs.files.len()).field("window", &self.window).finish()
    }
}

#[derive(Debug)]
struct Partition {
    reader: Arc<Reader>,
    schema: SchemaRef,
    index: usize,
}

impl PartitionStream for Partition {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let schema = Arc::clone(&self.schema);
        match self.reader.stream(self.index) {
            Ok(mut receiver) => {
                let batches = futures::stream::poll_fn(move |context| receiver.poll_recv(context));
                Box::pin(RecordBatchStreamAdapter::new(schema, batches))
            }
            Err(error) => Box::pin(RecordBatchStreamAdapter::new(schema, futures::stream::iter([Err(error)]))),
        }
    }
}
