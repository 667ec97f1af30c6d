//! Plans SQL over logs: the table, the views from query files, and the values of their parameters.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, SchemaRef};
use datafusion::catalog::MemTable;
use datafusion::common::ParamValues;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::dataframe::DataFrame;
use datafusion::execution::memory_pool::{FairSpillPool, MemoryPool, UnboundedMemoryPool};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::{SQLOptions, SessionConfig, SessionContext};
use datafusion::sql::parser::{DFParser, Statement};
use datafusion::sql::resolve::resolve_table_references;
use futures::TryStreamExt;
use rayon::prelude::*;

use super::any_value::any_value;
use super::compact::compact;
use super::dimensions::{DIMENSIONS, DimensionRow, schema as dimension_schema};
use super::error::{TablesError, similar};
use super::logs::Logs;
use super::most_at_once::most_at_once;
use super::output::QueryResult;
use super::params::{ParamValue, Params, bind};
use super::query_file::{Param, QueryFile, QuerySet};
use super::requests_table::{REQUESTS, RequestsTable};
use super::shared_scan::{CollectedRows, SharedScan, collect_alone, scan_count};
use super::typed_rows::{RowReader, TypedRow, to_batch};
use crate::apf::RequestDigest;

/// SQL over one set of logs. Futures of its methods may be dropped at any point.
pub struct Database {
    context: SessionContext,
    requests: Arc<RequestsTable>,
    can_read_again: bool,
    queries: QuerySet,
    /// Values of parameters in place of the queries' defaults.
    params: Params,
    /// Queries whose rows are in memory.
    kept: Mutex<BTreeSet<String>>,
}

/// Windows of time are counted from a day before the log begins, since what was received earlier would have the number of
/// the first one otherwise: SQL's division goes toward zero. A day is a whole number of the usual windows.
const DAY_MICROS: i64 = 86_400_000_000;

impl Database {
    /// A database over `logs` whose queries may use about `memory_bytes` between them before they go to disk; with
    /// `usize::MAX` as much as they need.
    ///
    /// # Errors
    /// When DataFusion can't be set up.
    pub fn new(logs: &Arc<Logs>, queries: QuerySet, memory_bytes: usize) -> Result<Self, TablesError> {
        let config =
            SessionConfig::new().with_target_partitions(rayon::current_num_threads()).with_information_schema(true);
        let pool: Arc<dyn MemoryPool> = match memory_bytes {
            // Text that batches share is counted for each of them, so that a bound would be met long before it is reached.
            usize::MAX => Arc::new(UnboundedMemoryPool::default()),
            _ => Arc::new(FairSpillPool::new(memory_bytes)),
        };
        let runtime = RuntimeEnvBuilder::new().with_memory_pool(pool).build_arc()?;
        let context = SessionContext::new_with_config_rt(config, runtime);
        context.register_udaf(any_value());
        most_at_once().into_iter().for_each(|function| context.register_udaf(function));
        let requests = Arc::new(RequestsTable::new(Arc::clone(logs)));
        context.register_table(REQUESTS, Arc::clone(&requests) as _)?;
        for (table, columns) in DIMENSIONS {
            let empty = MemTable::try_new(dimension_schema(columns), vec![Vec::new()])?;
            context.register_table(table, Arc::new(empty))?;
        }
        let can_read_again = logs.files.iter().all(|file| file.compression.is_some());
        let begins_at = logs.files.iter().filter_map(|file| file.begins_at).min();
        let params = Params::new()
            .with("first_micros", logs.window.from.unwrap_or_default())
            .with("origin_micros", begins_at.map_or(0, |at| at - DAY_MICROS));
        Ok(Self { context, requests, can_read_again, queries, params, kept: Mutex::default() })
    }

    /// Sets a parameter for all queries that are planned from now on.
    pub fn set_param(&mut self, param: &str, value: impl Into<ParamValue>) {
        self.params.set(param, value);
    }

    /// The queries that can be asked by name.
    pub const fn queries(&self) -> &QuerySet {
        &self.queries
    }

    /// What has to be prepared before these queries or tables are read: the dimension tables that they read, and the
    /// queries whose rows are to be kept, at first or at second hand.
    pub fn needs(&self, names: &[&str]) -> BTreeSet<String> {
        let queries = self.queries.with_reads(names.iter().copied());
        let reads = queries.iter().flat_map(|query| query.reads.iter().map(String::as_str));
        let tables = names.iter().copied().chain(reads).filter(|name| is_dimension(name));
        let kept = queries.iter().filter(|query| !query.kept.is_empty()).map(|query| query.name.as_str());
        tables.chain(kept).map(str::to_owned).collect()
    }

    /// What has to be prepared before this SQL is run; as [`Self::needs`].
    ///
    /// # Errors
    /// When it is no SQL.
    pub fn needs_of_sql(&self, sql: &str) -> Result<BTreeSet<String>, TablesError> {
        let parsed = self.parse("SQL", sql)?;
        Ok(self.needs(&parsed.tables.iter().map(String::as_str).collect::<Vec<_>>()))
    }

    /// Runs several queries over the logs in one reading, and keeps their rows in memory: from then on, such a query is
    /// read from there. Queries that are kept already are not run again.
    ///
    /// # Errors
    /// When one of them can't be planned or fails.
    pub async fn keep(&self, names: &[&str]) -> Result<(), TablesError> {
        let mut shared = SharedScan::new(&self.requests);
        let mut alone = Vec::new();
        for name in names.iter().copied().filter(|name| !self.is_kept(name)) {
            let frame = self.query(name, &Params::new()).await?.into_frame();
            if scan_count(frame.logical_plan())? > 1 {
                alone.push((name, frame));
            } else {
                shared.add(name, frame).await?;
            }
        }
        shared.run().await?.into_iter().try_for_each(|rows| self.keep_rows(rows))?;
        for (name, frame) in alone {
            self.keep_rows(collect_alone(name, frame).await?)?;
        }
        Ok(())
    }

    fn keep_rows(&self, rows: CollectedRows) -> Result<(), TablesError> {
        let CollectedRows { name, schema, partitions } = rows;
        // Rows that were made of kept rows share the text of those.
        let reads_logs = self.queries.get(&name).is_some_and(|query| query.reads.iter().any(|read| read == REQUESTS));
        let partitions = partitions
            .into_par_iter()
            .map(|batches| if reads_logs { compact(&schema, &batches) } else { Ok(batches) })
            .collect::<Result<_, _>>()?;
        self.put(&name, schema, partitions)?;
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).insert(name);
        Ok(())
    }

    /// Takes the request digests behind the flow keys that have been read so far, by key.
    pub fn take_digests(&self) -> Vec<(i64, RequestDigest)> {
        self.requests.take_digests()
    }

    /// Fills a dimension table.
    ///
    /// # Errors
    /// When the row's fields are not the table's columns, which is a bug.
    pub fn fill<T: DimensionRow>(&self, rows: &[T]) -> Result<(), TablesError> {
        let batches = rows.chunks(BATCH_ROWS).map(to_batch).collect::<Result<_, _>>()?;
        self.put(T::TABLE, dimension_schema(T::COLUMNS), vec![batches])
    }

    fn put(&self, name: &str, schema: SchemaRef, partitions: Vec<Vec<RecordBatch>>) -> Result<(), TablesError> {
        let table = MemTable::try_new(schema, partitions)?;
        self.context.deregister_table(name)?;
        self.context.register_table(name, Arc::new(table))?;
        Ok(())
    }

    fn is_kept(&self, name: &str) -> bool {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).contains(name)
    }

    /// Plans the query `name`.
    ///
    /// # Errors
    /// When there is none, or it or its parameters are wrong.
    pub async fn query(&self, name: &str, params: &Params) -> Result<QueryResult, TablesError> {
        let query = self.queries.find(name)?;
        if self.is_kept(name) && params.is_empty() {
            return Ok(QueryResult::new(self.context.table(name).await?));
        }
        self.plan(name, &query.sql, params).await
    }

    /// Runs the query that `T` is a row of, and reads its rows.
    ///
    /// # Errors
    /// When the query's columns are not those of `T`, before a log is read; or when it fails.
    pub async fn rows<T: TypedRow>(&self) -> Result<Vec<T>, TablesError> {
        self.rows_with(&Params::new()).await
    }

    /// As [`Self::rows`], with values for the query's parameters.
    ///
    /// # Errors
    /// As [`Self::rows`].
    pub async fn rows_with<T: TypedRow>(&self, params: &Params) -> Result<Vec<T>, TablesError> {
        let result = self.query(T::QUERY, params).await?;
        let reader = RowReader::new::<T>(&result.schema())?;
        let mut stream = result.stream().await?;
        let mut rows = Vec::new();
        while let Some(batch) = stream.try_next().await? {
            rows.append(&mut reader.read(&batch)?);
        }
        Ok(rows)
    }

    /// Plans SQL given by hand; `name` stands for it in messages.
    ///
    /// # Errors
    /// When the SQL or its parameters are wrong.
    pub async fn sql(&self, name: &str, sql: &str, params: &Params) -> Result<QueryResult, TablesError> {
        self.plan(name, sql, params).await
    }

    async fn plan(&self, name: &str, sql: &str, given: &Params) -> Result<QueryResult, TablesError> {
        let parsed = self.parse(name, sql)?;
        let mut defaults: BTreeMap<&str, &Param> = BTreeMap::new();
        for query in self.queries.with_reads(parsed.tables.iter().map(String::as_str).chain([name])) {
            if query.name != name && !self.is_kept(&query.name) {
                self.register_view(query).await?;
            }
            defaults.extend(query.params.iter().map(|param| (param.name.as_str(), param)));
        }
        let frame = self.frame(parsed).await?;
        if !self.can_read_again && scan_count(frame.logical_plan())? > 1 {
            return Err(TablesError::ReadsTwice(name.to_owned()));
        }
        let types = frame.logical_plan().get_parameter_types()?;
        let types: BTreeMap<String, Option<DataType>> =
            types.into_iter().map(|(param, data_type)| (param.trim_start_matches('$').to_owned(), data_type)).collect();
        if let Some((param, _)) = given.iter().find(|(param, _)| !types.contains_key(*param)) {
            let params = types.into_keys().collect();
            return Err(TablesError::UnknownParam { query: name.to_owned(), param: param.to_owned(), params });
        }
        let values = bind(name, &types, &[given, &self.params], &defaults)?;
        let frame = if values.is_empty() { frame } else { frame.with_param_values(ParamValues::from(values))? };
        Ok(QueryResult::new(frame))
    }

    async fn register_view(&self, query: &QueryFile) -> Result<(), TablesError> {
        if self.context.table_exist(query.name.as_str())? {
            return Ok(());
        }
        let view = self.frame(self.parse(&query.name, &query.sql)?).await?.into_view();
        self.context.register_table(query.name.as_str(), view)?;
        Ok(())
    }

    /// # Errors
    /// When it is no SQL, or a query file reads what its header doesn't name.
    fn parse<'s>(&self, name: &'s str, sql: &'s str) -> Result<ParsedQuery<'s>, TablesError> {
        let mut statements = DFParser::parse_sql(sql).map_err(|error| TablesError::planning(name, sql, &error))?;
        let statement = statements.pop_front().ok_or_else(|| TablesError::NoStatement(name.to_owned()))?;
        if !statements.is_empty() {
            return Err(TablesError::SeveralStatements(name.to_owned()));
        }
        let (tables, _names_of_ctes) = resolve_table_references(&statement, true)?;
        let tables: Vec<String> = tables.iter().map(|table| table.table().to_owned()).collect();
        if let Some(query) = self.queries.get(name).filter(|query| query.sql == sql) {
            let is_known =
                |table: &&String| *table == REQUESTS || is_dimension(table) || self.queries.get(table).is_some();
            if let Some(table) = tables.iter().filter(is_known).find(|table| !query.reads.contains(table)) {
                let message = format!("the header's `reads:` leaves out {table}");
                return Err(TablesError::Contract { query: name.to_owned(), message });
            }
        }
        Ok(ParsedQuery { name, sql, statement, tables })
    }

    /// Plans a query that only reads. The session state is the query's own, so that nothing that is planned at the same
    /// time sees its settings.
    async fn frame(&self, parsed: ParsedQuery<'_>) -> Result<DataFrame, TablesError> {
        let ParsedQuery { name, sql, statement, tables } = parsed;
        let mut state = self.context.state();
        let plan = match state.statement_to_plan(statement).await {
            Ok(plan) => plan,
            Err(error) => {
                let is_unknown = |table: &&String| self.is_unknown(table, &state);
                let planning = || TablesError::planning(name, sql, &error);
                return Err(tables.iter().find(is_unknown).map_or_else(planning, |table| self.unknown(name, table)));
            }
        };
        if matches!(plan, LogicalPlan::Ddl(_) | LogicalPlan::Dml(_) | LogicalPlan::Copy(_) | LogicalPlan::Statement(_))
        {
            return Err(TablesError::NotReadOnly(name.to_owned()));
        }
        let read_only = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
        read_only.verify_plan(&plan).map_err(|_| TablesError::NotReadOnly(name.to_owned()))?;
        // A query that only picks rows gives them in the order of the log: with one partition, as several would mix them.
        if only_picks_rows(&plan)? {
            state.config_mut().options_mut().execution.target_partitions = 1;
        }
        Ok(DataFrame::new(state, plan))
    }

    fn is_unknown(&self, table: &str, state: &SessionState) -> bool {
        !self.context.table_exist(table).unwrap_or(false) && !state.table_functions().contains_key(table)
    }

    fn unknown(&self, query: &str, table: &str) -> TablesError {
        let query = query.to_owned();
        if self.queries.get(table).is_some() {
            return TablesError::Contract { query, message: format!("it reads itself through {table}") };
        }
        let tables = || [REQUESTS].into_iter().chain(DIMENSIONS.iter().map(|(table, _)| *table));
        TablesError::UnknownTable {
            query,
            table: table.to_owned(),
            suggestions: similar(table, tables().chain(self.queries.iter().map(|query| query.name.as_str()))),
            tables: tables().map(str::to_owned).collect(),
        }
    }
}

/// SQL as it was parsed.
struct ParsedQuery<'s> {
    name: &'s str,
    sql: &'s str,
    statement: Statement,
    /// The tables and queries that it reads.
    tables: Vec<String>,
}

fn is_dimension(name: &str) -> bool {
    DIMENSIONS.iter().any(|(table, _)| *table == name)
}

/// Whether rows go through a plan in the order in which they come.
fn only_picks_rows(plan: &LogicalPlan) -> Result<bool, TablesError> {
    let mut only_picks_rows = true;
    plan.apply(|node| {
        only_picks_rows &= matches!(
            node,
            LogicalPlan::Projection(_)
                | LogicalPlan::Filter(_)
                | LogicalPlan::Limit(_)
                | LogicalPlan::TableScan(_)
                | LogicalPlan::SubqueryAlias(_)
        );
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(only_picks_rows)
}

/// Rows of a dimension table in one batch.
const BATCH_ROWS: usize = 8192;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::requests::Window;

    #[test]
    fn every_header_names_exactly_what_its_sql_reads() {
        let queries = QuerySet::load(None).unwrap();
        let database =
            Database::new(&Logs::new(Vec::new(), Window::default(), false), queries.clone(), 1 << 30).unwrap();
        for query in queries.iter() {
            let parsed = database.parse(&query.name, &query.sql).unwrap();
            let (read, named): (BTreeSet<_>, BTreeSet<_>) =
                (parsed.tables.iter().collect(), query.reads.iter().collect());
            assert_eq!(read, named, "{}", query.name);
        }
    }
}
