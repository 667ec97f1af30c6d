//! Plans that read the logs together, once.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::catalog::TableProvider;
use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TreeNodeRecursion};
use datafusion::dataframe::DataFrame;
use datafusion::datasource::provider_as_source;
use datafusion::execution::TaskContext;
use datafusion::logical_expr::{LogicalPlan, TableScan};
use datafusion::physical_plan::{ExecutionPlan, collect_partitioned};
use futures::future::try_join_all;

use super::requests_table::{REQUESTS, RequestsTable};

/// Queries that read the logs together, once. It owns their plans, so that they can only be run together; dropped before
/// that, it has read nothing.
pub(super) struct SharedScan {
    requests: Arc<dyn TableProvider>,
    queries: Vec<PlannedQuery>,
}

struct PlannedQuery {
    name: String,
    plan: Arc<dyn ExecutionPlan>,
    task: Arc<TaskContext>,
}

/// All rows of a query.
pub(super) struct CollectedRows {
    /// The query.
    pub(super) name: String,
    pub(super) schema: SchemaRef,
    pub(super) partitions: Vec<Vec<RecordBatch>>,
}

impl SharedScan {
    pub(super) fn new(requests: &RequestsTable) -> Self {
        let requests = requests.with_shared_scan(rayon::current_num_threads());
        Self { requests: Arc::new(requests), queries: Vec::new() }
    }

    /// Adds a query. It must read `requests` no more than once: else it would wait for one reading to end before it goes on
    /// with another, and the other would wait for it.
    pub(super) async fn add(&mut self, name: &str, frame: DataFrame) -> Result<()> {
        let (state, plan) = frame.into_parts();
        let plan = self.over_shared_requests(plan)?;
        let plan = state.create_physical_plan(&plan).await?;
        self.queries.push(PlannedQuery { name: name.to_owned(), plan, task: state.task_ctx() });
        Ok(())
    }

    /// Runs all queries at the same time; the rows of each.
    pub(super) async fn run(self) -> Result<Vec<CollectedRows>> {
        try_join_all(self.queries.into_iter().map(collect)).await
    }

    fn over_shared_requests(&self, plan: LogicalPlan) -> Result<LogicalPlan> {
        let shared = |node: LogicalPlan| match node {
            LogicalPlan::TableScan(scan) if is_of_requests(&scan) => {
                let source = provider_as_source(Arc::clone(&self.requests));
                Ok(Transformed::yes(LogicalPlan::TableScan(TableScan { source, ..scan })))
            }
            other => Ok(Transformed::no(other)),
        };
        Ok(plan.transform_down_with_subqueries(shared)?.data)
    }
}

/// Runs a query that shares no reading with others; its rows.
pub(super) async fn collect_alone(name: &str, frame: DataFrame) -> Result<CollectedRows> {
    let (state, plan) = frame.into_parts();
    let plan = state.create_physical_plan(&plan).await?;
    collect(PlannedQuery { name: name.to_owned(), plan, task: state.task_ctx() }).await
}

async fn collect(query: PlannedQuery) -> Result<CollectedRows> {
    let schema = query.plan.schema();
    Ok(CollectedRows { name: query.name, schema, partitions: collect_partitioned(query.plan, query.task).await? })
}

/// How often a plan reads `requests`.
pub(super) fn scan_count(plan: &LogicalPlan) -> Result<usize> {
    let mut count = 0;
    plan.apply_with_subqueries(|node| {
        count += usize::from(matches!(node, LogicalPlan::TableScan(scan) if is_of_requests(scan)));
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(count)
}

fn is_of_requests(scan: &TableScan) -> bool {
    scan.table_name.table() == REQUESTS
}
