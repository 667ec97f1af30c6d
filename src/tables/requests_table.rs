//! The `requests` table: a scan of the logs each time it is read, so that no log has to fit in memory.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{BinaryExpr, Expr, Operator, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::streaming::StreamingTableExec;

use super::columns::schema;
use super::flow_digests::FlowDigests;
use super::log_scan::LogScan;
use super::logs::Logs;
use super::row_filter::RowFilter;
use super::scan_columns::ScanRequest;
use crate::apf::RequestDigest;
use crate::audit::Micros;
use crate::requests::Window;

/// The table's name.
pub(super) const REQUESTS: &str = "requests";

/// The table provider.
#[derive(Debug)]
pub(super) struct RequestsTable {
    logs: Arc<Logs>,
    schema: SchemaRef,
    flows: Arc<FlowDigests>,
    /// The scan that all plans over this table share; `None` where each plan starts a scan of its own.
    shared_scan: Option<Arc<LogScan>>,
}

impl RequestsTable {
    pub(super) fn new(logs: Arc<Logs>) -> Self {
        Self { logs, schema: schema(), flows: Arc::default(), shared_scan: None }
    }

    /// The same table for plans that read the logs together, once. All of them must be made before any of them runs, and
    /// they must run at the same time.
    pub(super) fn with_shared_scan(&self, partition_count: usize) -> Self {
        let scan = self.new_scan(self.logs.window, partition_count);
        Self {
            logs: Arc::clone(&self.logs),
            schema: Arc::clone(&self.schema),
            flows: Arc::clone(&self.flows),
            shared_scan: Some(scan),
        }
    }

    /// Takes the digests behind the flow keys that were read.
    pub(super) fn take_digests(&self) -> Vec<(i64, RequestDigest)> {
        self.flows.take()
    }

    fn new_scan(&self, window: Window, partition_count: usize) -> Arc<LogScan> {
        LogScan::new(Arc::clone(&self.logs), Arc::clone(&self.flows), window, partition_count)
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

    /// Conditions that a [`RowFilter`] can check, and bounds of time, narrow what is made. DataFusion checks all conditions
    /// again, and puts the few rows that are left together.
    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let is_used =
            |filter: &Expr| TimeBound::from_filter(filter).is_some() || RowFilter::from_expr(filter).is_some();
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
        let scan = self.shared_scan.clone().unwrap_or_else(|| {
            let bounds = filters.iter().filter_map(TimeBound::from_filter);
            let window = bounds.fold(self.logs.window, |window, bound| bound.narrow(window));
            self.new_scan(window, state.config().target_partitions())
        });
        let filters: Vec<RowFilter> = filters.iter().filter_map(RowFilter::from_expr).collect();
        let filter = (!filters.is_empty()).then_some(RowFilter::All(filters));
        let partitions = scan.add_plan(ScanRequest { columns: projection, filter }, &schema);
        let plan = StreamingTableExec::try_new(schema, partitions, None, [], false, limit)?;
        Ok(Arc::new(plan))
    }
}

/// A bound that a filter sets on the time of the rows.
enum TimeBound {
    From(Micros),
    To(Micros),
}

impl TimeBound {
    /// The bound in `column <operator> literal`: a request that was received, or ended, at or after an instant has not
    /// ended before it; one received before an instant has begun by then.
    fn from_filter(filter: &Expr) -> Option<Self> {
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
            ("received_at" | "completed_at", Operator::Gt | Operator::GtEq) => Some(Self::From(*at)),
            ("received_at", Operator::Lt | Operator::LtEq) => Some(Self::To(*at)),
            _ => None,
        }
    }

    fn narrow(&self, window: Window) -> Window {
        match *self {
            Self::From(at) => Window { from: window.from.max(Some(at)), ..window },
            Self::To(at) => Window { to: Some(window.to.map_or(at, |to| to.min(at))), ..window },
        }
    }
}
