//! The `requests` table: a scan of the logs each time it is read, so that no log has to fit in memory.

use std::fmt;
use std::ops::ControlFlow;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
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
use super::rows::RequestRows;
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
        Arc::new(Self {
            files,
            window,
            reads_all,
            progress: Arc::default(),
            reading: Mutex::default(),
            stopped: Condvar::new(),
        })
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
}

impl RequestsTable {
    pub(super) fn new(logs: Arc<Logs>) -> Self {
        Self { logs, schema: schema() }
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

    /// Bounds of time narrow what is built; the rest of the filter is DataFusion's, which also looks at bounds again.
    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(filters
            .iter()
            .map(|filter| match bound(filter) {
                Some(_) => TableProviderFilterPushDown::Inexact,
                None => TableProviderFilterPushDown::Unsupported,
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
        let bounds = filters.iter().filter_map(bound);
        let window = bounds.fold(self.logs.window, |window, bound| bound.narrow(window));
        let partition_count = state.config().target_partitions();
        let scan = Arc::new(Scan {
            logs: Arc::clone(&self.logs),
            projection,
            schema: Arc::clone(&schema),
            window,
            partition_count,
            running: Mutex::default(),
        });
        let partitions = (0..partition_count)
            .map(|index| Arc::new(Partition { scan: Arc::clone(&scan), index }) as Arc<dyn PartitionStream>);
        let plan = StreamingTableExec::try_new(schema, partitions.collect(), None, [], false, limit)?;
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

/// One planned reading of the table. Its batches are dealt to the partitions in turn, so that the same logs give each
/// partition the same rows in every run.
struct Scan {
    logs: Arc<Logs>,
    projection: Vec<usize>,
    schema: SchemaRef,
    window: Window,
    partition_count: usize,
    running: Mutex<Vec<Option<Receiver>>>,
}

type Receiver = mpsc::Receiver<Result<RecordBatch>>;

/// Enough that neither side waits for the other at every batch.
const WAITING_BATCHES: usize = 4;

impl Scan {
    /// The stream of one partition. The first to ask starts the reading; one that asks again starts it anew.
    fn stream(self: &Arc<Self>, index: usize) -> Receiver {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(receiver) = running.get_mut(index).and_then(Option::take) {
            return receiver;
        }
        let (senders, receivers): (Vec<_>, Vec<_>) =
            (0..self.partition_count).map(|_| mpsc::channel(WAITING_BATCHES)).unzip();
        *running = receivers.into_iter().map(Some).collect();
        let scan = Arc::clone(self);
        self.logs.begin();
        thread::spawn(move || scan.run(&senders));
        let Some(receiver) = running[index].take() else {
            unreachable!("a channel was made for each partition");
        };
        receiver
    }

    fn run(&self, senders: &[mpsc::Sender<Result<RecordBatch>>]) {
        let projection = self.projection.clone();
        let mut turn = 0;
        let files = self.logs.files.clone();
        let make_rows = move || RequestRows::new(&projection);
        let tally = scan(files, self.window, make_rows, &self.logs.progress, |joined| {
            // The reading ends when no partition wants more, unless all of the log is to be looked at.
            if senders.iter().all(mpsc::Sender::is_closed) && !self.logs.reads_all {
                return ControlFlow::Break(());
            }
            let batch = match RequestRows::finish(joined, &self.schema) {
                Ok(Some(batch)) => Ok(batch),
                Ok(None) => return ControlFlow::Continue(()),
                Err(error) => Err(exec_datafusion_err!("can't build a batch of requests: {error}")),
            };
            turn = (turn + 1) % senders.len();
            let _passed_over_if_it_wants_no_more = senders[turn].blocking_send(batch);
            ControlFlow::Continue(())
        });
        self.logs.end(tally);
    }
}

impl fmt::Debug for Scan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scan").field("files", &self.logs.files.len()).field("window", &self.window).finish()
    }
}

#[derive(Debug)]
struct Partition {
    scan: Arc<Scan>,
    index: usize,
}

impl PartitionStream for Partition {
    fn schema(&self) -> &SchemaRef {
        &self.scan.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let mut receiver = self.scan.stream(self.index);
        let batches = futures::stream::poll_fn(move |context| receiver.poll_recv(context));
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.scan.schema), batches))
    }
}
