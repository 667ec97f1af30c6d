//! Plans SQL over logs: the table, the views from query files, and the values of their parameters.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringViewArray, StringViewBuilder};
use arrow::compute::concat;
use arrow::datatypes::{DataType, SchemaRef};
use arrow::error::ArrowError;
use arrow::json::ReaderBuilder;
use datafusion::catalog::MemTable;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{ParamValues, ScalarValue};
use datafusion::dataframe::DataFrame;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::memory_pool::{FairSpillPool, MemoryPool, UnboundedMemoryPool};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::{ExecutionPlan, collect_partitioned};
use datafusion::prelude::{SQLOptions, SessionConfig, SessionContext};

use futures::future::try_join_all;
use rayon::prelude::*;
use serde::de::DeserializeOwned;

use super::any_value::any_value;
use super::dimensions::{DIMENSIONS, DimensionRow, schema as dimension_schema};
use super::most_at_once::most_at_once;
use super::output::Format;
use super::query_file::{Param, QueryFile, QuerySet};
use super::requests_table::{Logs, RequestsTable};
use crate::apf::RequestDigest;

/// SQL over one set of logs.
pub struct Database {
    context: SessionContext,
    requests: Arc<RequestsTable>,
    can_read_again: bool,
    queries: QuerySet,
    /// Values of parameters in place of the queries' defaults.
    params: BTreeMap<String, String>,
    /// Queries whose rows are in memory.
    kept: Mutex<BTreeSet<String>>,
}

/// Why a query has no answer.
#[derive(Debug, thiserror::Error)]
pub enum TablesError {
    /// There is no query of that name.
    #[error("there is no query named {0}")]
    NoSuchQuery(String),
    /// DataFusion refuses the SQL.
    #[error("{name}: {message}")]
    Sql {
        /// The query's name, or what stands for one.
        name: String,
        /// What is wrong.
        message: String,
    },
    /// A parameter that the query doesn't have.
    #[error("{query} has no parameter ${param}")]
    NoSuchParam {
        /// The query.
        query: String,
        /// The parameter.
        param: String,
    },
    /// A parameter's value that is not of its type.
    #[error("${param}: {value:?} is no {expected}")]
    BadParam {
        /// The parameter.
        param: String,
        /// The value given.
        value: String,
        /// The type it should have.
        expected: String,
    },
    /// The query reads the logs more than once, which a pipe can't give.
    #[error("{0} reads the logs more than once, but standard input or a pipe can be read only once")]
    ReadsTwice(String),
    /// A query file's header and its SQL disagree.
    #[error("query {query}: {message}")]
    Contract {
        /// The query.
        query: String,
        /// In what.
        message: String,
    },
    /// The query fell over while it ran.
    #[error("the query failed: {0}")]
    Run(String),
    /// The answer can't be written.
    #[error("can't write the answer")]
    Write(#[source] std::io::Error),
}

impl From<DataFusionError> for TablesError {
    fn from(error: DataFusionError) -> Self {
        Self::Run(message(&error))
    }
}

/// A row of a query, as a plain struct.
pub trait TypedRow: DeserializeOwned {
    /// The query.
    const QUERY: &'static str;
    /// The columns that the struct is read from.
    const COLUMNS: &'static [&'static str];
}

/// A planned query, not yet run.
pub struct Answer {
    frame: DataFrame,
}

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
        context.register_table("requests", Arc::clone(&requests) as _)?;
        for (table, columns) in DIMENSIONS {
            let empty = MemTable::try_new(dimension_schema(columns), vec![Vec::new()])?;
            context.register_table(table, Arc::new(empty))?;
        }
        let can_read_again = logs.files.iter().all(|file| file.compression.is_some());
        let first = logs.window.from.unwrap_or_default().to_string();
        let params = BTreeMap::from([("first_micros".to_owned(), first)]);
        Ok(Self { context, requests, can_read_again, queries, params, kept: Mutex::default() })
    }

    /// Sets a parameter for all queries that are planned from now on.
    pub fn set_param(&mut self, param: &str, value: &str) {
        self.params.insert(param.to_owned(), value.to_owned());
    }

    /// The queries at hand.
    pub const fn queries(&self) -> &QuerySet {
        &self.queries
    }

    /// The queries that `names` read, at first or at second hand, and that are to be kept; and the dimension tables that
    /// they read.
    pub fn needs(&self, names: &[&str]) -> BTreeSet<String> {
        self.needs_of(&names.join(" "))
    }

    /// The same for SQL given by hand.
    ///
    /// # Errors
    /// When it can't be parsed.
    pub fn needs_of_sql(&self, sql: &str) -> Result<BTreeSet<String>, TablesError> {
        Ok(self.needs_of(sql))
    }

    fn needs_of(&self, text: &str) -> BTreeSet<String> {
        let text = without_comments(text);
        let mut needs = BTreeSet::new();
        for (table, _) in DIMENSIONS {
            let is_named = has_word(&text, table);
            let is_read = self.queries.named_in(&text).iter().any(|query| query.reads.iter().any(|read| read == table));
            if is_named || is_read {
                needs.insert(table);
            }
        }
        needs.extend(
            self.queries
                .named_in(&text)
                .into_iter()
                .filter(|query| !query.kept.is_empty())
                .map(|query| query.name.as_str()),
        );
        needs.into_iter().map(str::to_owned).collect()
    }

    /// Runs several queries over the logs in one reading, and keeps their rows in memory: from then on, whoever reads
    /// such a query reads those. What is kept already is not run again.
    ///
    /// # Errors
    /// When one of them doesn't hold or fails.
    pub async fn keep(&self, names: &[&str]) -> Result<(), TablesError> {
        let (mut shared, mut alone) = (Vec::new(), Vec::new());
        for name in names.iter().copied().filter(|name| !self.is_kept(name)) {
            let frame = self.query(name, &BTreeMap::new()).await?.frame;
            // A plan that reads the logs more than once has to wait for one reading before it goes on with another.
            let readings = scan_count(frame.logical_plan())?;
            if readings > 1 { alone.push((name, frame)) } else { shared.push((name, frame)) }
        }
        self.requests.share(rayon::current_num_threads());
        let plans = physical(shared).await;
        self.requests.share_no_more();
        self.keep_rows(plans?).await?;
        for one in alone {
            self.keep_rows(physical(vec![one]).await?).await?;
        }
        Ok(())
    }

    /// Runs plans at the same time, and keeps the rows of each.
    async fn keep_rows(&self, plans: Vec<(&str, Arc<dyn ExecutionPlan>)>) -> Result<(), TablesError> {
        let names: Vec<(&str, SchemaRef)> = plans.iter().map(|(name, plan)| (*name, plan.schema())).collect();
        let running = plans.into_iter().map(|(_, plan)| collect_partitioned(plan, self.context.task_ctx()));
        let answers: Vec<Vec<Vec<RecordBatch>>> = try_join_all(running).await?;
        for ((name, schema), partitions) in names.into_iter().zip(answers) {
            // What is made of kept rows has its text in theirs.
            let reads_logs =
                self.queries.get(name).is_some_and(|query| query.reads.iter().any(|read| read == "requests"));
            let partitions = partitions
                .into_par_iter()
                .map(|batches| if reads_logs { compact(&schema, &batches) } else { Ok(batches) })
                .collect::<Result<_, _>>()?;
            self.put(name, schema, partitions)?;
            self.kept.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned());
        }
        Ok(())
    }

    /// Takes what stands behind the flow keys that have been read so far, by key.
    pub fn take_digests(&self) -> Vec<(i64, RequestDigest)> {
        self.requests.take_digests()
    }

    /// Fills a dimension table.
    ///
    /// # Errors
    /// When DataFusion refuses, which is a bug.
    pub fn fill<T: DimensionRow>(&self, rows: &[T]) -> Result<(), TablesError> {
        let schema = dimension_schema(T::COLUMNS);
        let failed = |error: ArrowError| TablesError::Run(error.to_string());
        let mut decoder = ReaderBuilder::new(Arc::clone(&schema)).build_decoder().map_err(failed)?;
        let mut batches = Vec::new();
        for rows in rows.chunks(BATCH_ROWS) {
            decoder.serialize(rows).map_err(failed)?;
            batches.extend(decoder.flush().map_err(failed)?);
        }
        self.put(T::TABLE, schema, vec![batches])
    }

    fn put(&self, name: &str, schema: SchemaRef, partitions: Vec<Vec<RecordBatch>>) -> Result<(), TablesError> {
        self.context.deregister_table(name)?;
        self.context.register_table(name, Arc::new(MemTable::try_new(schema, partitions)?))?;
        Ok(())
    }

    fn is_kept(&self, name: &str) -> bool {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).contains(name)
    }

    /// Plans the query `name`.
    ///
    /// # Errors
    /// When there is none, or it or its parameters don't hold.
    pub async fn query(&self, name: &str, params: &BTreeMap<String, String>) -> Result<Answer, TablesError> {
        let query = self.queries.get(name).ok_or_else(|| TablesError::NoSuchQuery(name.to_owned()))?;
        if self.is_kept(name) && params.is_empty() {
            return Ok(Answer { frame: self.context.table(name).await? });
        }
        let sql = query.sql.clone();
        self.plan(name, &sql, params).await
    }

    /// Runs the query that `T` is the row of, and reads its rows.
    ///
    /// # Errors
    /// When the query's columns are not those of `T`, before a log is read; or when it fails.
    pub async fn rows<T: TypedRow>(&self) -> Result<Vec<T>, TablesError> {
        self.rows_with(&BTreeMap::new()).await
    }

    /// As [`Self::rows`], with values for the query's parameters.
    ///
    /// # Errors
    /// As [`Self::rows`].
    pub async fn rows_with<T: TypedRow>(&self, params: &BTreeMap<String, String>) -> Result<Vec<T>, TablesError> {
        let answer = self.query(T::QUERY, params).await?;
        let contract = |message: String| TablesError::Contract { query: T::QUERY.to_owned(), message };
        let schema = answer.schema();
        let missing = T::COLUMNS.iter().find(|column| schema.field_with_name(column).is_err());
        if let Some(column) = missing {
            return Err(contract(format!("it must have the column {column}")));
        }
        let mut lines = Vec::new();
        answer.write(Format::Ndjson, &mut lines).await?;
        let rows = serde_json::Deserializer::from_slice(&lines).into_iter::<T>();
        rows.map(|row| row.map_err(|error| contract(error.to_string()))).collect()
    }

    /// Plans SQL given by hand; `name` stands for it in messages.
    ///
    /// # Errors
    /// When the SQL or its parameters don't hold.
    pub async fn sql(&self, name: &str, sql: &str, params: &BTreeMap<String, String>) -> Result<Answer, TablesError> {
        self.plan(name, sql, params).await
    }

    async fn plan(&self, name: &str, sql: &str, given: &BTreeMap<String, String>) -> Result<Answer, TablesError> {
        let mut known: BTreeMap<&str, &Param> = BTreeMap::new();
        let views = self.queries.named_in(&format!("{name} {}", without_comments(sql)));
        for query in &views {
            if query.name != name && !self.is_kept(&query.name) {
                self.register_view(query).await?;
            }
            known.extend(query.params.iter().map(|param| (param.name.as_str(), param)));
        }
        let frame = self.frame_in_order(name, sql).await?;
        if !self.can_read_again && scan_count(frame.logical_plan())? > 1 {
            return Err(TablesError::ReadsTwice(name.to_owned()));
        }
        let types = frame.logical_plan().get_parameter_types()?;
        let types: BTreeMap<String, Option<DataType>> =
            types.into_iter().map(|(param, data_type)| (param.trim_start_matches('$').to_owned(), data_type)).collect();
        if let Some(param) = given.keys().find(|param| !types.contains_key(*param)) {
            return Err(TablesError::NoSuchParam { query: name.to_owned(), param: param.clone() });
        }
        let given = self.params.iter().chain(given).map(|(param, value)| (param.clone(), value.clone())).collect();
        let values = bind(name, &types, &given, &known)?;
        let frame = if values.is_empty() { frame } else { frame.with_param_values(ParamValues::from(values))? };
        Ok(Answer { frame })
    }

    async fn register_view(&self, query: &QueryFile) -> Result<(), TablesError> {
        if self.context.table_exist(query.name.as_str())? {
            return Ok(());
        }
        let view = self.frame(&query.name, &query.sql).await?.into_view();
        self.context.register_table(query.name.as_str(), view)?;
        Ok(())
    }

    async fn frame(&self, name: &str, sql: &str) -> Result<DataFrame, TablesError> {
        let read_only = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
        let refused = |error: DataFusionError| TablesError::Sql { name: name.to_owned(), message: message(&error) };
        self.context.sql_with_options(sql, read_only).await.map_err(refused)
    }

    /// A query that only picks rows answers in the order of the log: with one partition, since several would mix.
    async fn frame_in_order(&self, name: &str, sql: &str) -> Result<DataFrame, TablesError> {
        let frame = self.frame(name, sql).await?;
        if !is_plain(frame.logical_plan())? {
            return Ok(frame);
        }
        let state = self.context.state_ref();
        let set = |partitions| state.write().config_mut().options_mut().execution.target_partitions = partitions;
        set(1);
        let frame = self.frame(name, sql).await;
        set(rayon::current_num_threads());
        frame
    }
}

/// How often a plan reads `requests`.
fn scan_count(plan: &LogicalPlan) -> Result<usize, TablesError> {
    let mut count = 0;
    plan.apply_with_subqueries(|node| {
        count += usize::from(matches!(node, LogicalPlan::TableScan(scan) if scan.table_name.table() == "requests"));
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(count)
}

/// Whether rows go through a plan as they come.
fn is_plain(plan: &LogicalPlan) -> Result<bool, TablesError> {
    let mut is_plain = true;
    plan.apply(|node| {
        is_plain &= matches!(
            node,
            LogicalPlan::Projection(_)
                | LogicalPlan::Filter(_)
                | LogicalPlan::Limit(_)
                | LogicalPlan::TableScan(_)
                | LogicalPlan::SubqueryAlias(_)
        );
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(is_plain)
}

impl Answer {
    /// Names and types of the columns.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(self.frame.schema().inner())
    }

    /// No more than so many rows.
    ///
    /// # Errors
    /// When DataFusion refuses, which is a bug.
    pub fn limit(self, rows: usize) -> Result<Self, TablesError> {
        Ok(Self { frame: self.frame.limit(0, Some(rows))? })
    }

    /// Runs the query.
    ///
    /// # Errors
    /// When it can't be planned to its end.
    pub async fn stream(self) -> Result<SendableRecordBatchStream, TablesError> {
        Ok(self.frame.execute_stream().await?)
    }
}

/// A value for each parameter: the one given, else its default.
fn bind(
    name: &str,
    types: &BTreeMap<String, Option<DataType>>,
    given: &BTreeMap<String, String>,
    known: &BTreeMap<&str, &Param>,
) -> Result<HashMap<String, ScalarValue>, TablesError> {
    let mut values = HashMap::new();
    for (param, data_type) in types {
        let default = known.get(param.as_str()).map(|param| &param.default);
        let value = given.get(param).or(default).ok_or_else(|| TablesError::Contract {
            query: name.to_owned(),
            message: format!("${param} has no value and no default; give one with --param {param}=VALUE"),
        })?;
        values.insert(param.clone(), scalar(param, value, data_type.as_ref())?);
    }
    Ok(values)
}

fn scalar(param: &str, value: &str, data_type: Option<&DataType>) -> Result<ScalarValue, TablesError> {
    let Some(data_type) = data_type else {
        return Ok(match (value.parse::<i64>(), value.parse::<f64>()) {
            (Ok(whole), _) => ScalarValue::from(whole),
            (_, Ok(number)) => ScalarValue::from(number),
            _ => ScalarValue::from(value),
        });
    };
    ScalarValue::try_from_string(value.to_owned(), data_type).map_err(|_| TablesError::BadParam {
        param: param.to_owned(),
        value: value.to_owned(),
        expected: data_type.to_string(),
    })
}

async fn physical(frames: Vec<(&str, DataFrame)>) -> Result<Vec<(&str, Arc<dyn ExecutionPlan>)>, TablesError> {
    let mut plans = Vec::new();
    for (name, frame) in frames {
        plans.push((name, frame.create_physical_plan().await?));
    }
    Ok(plans)
}

/// The same rows in few batches, with text of their own: text that was picked out of larger batches keeps all of those in
/// memory, and whoever handles a batch handles all the buffers that its text lies in.
fn compact(schema: &SchemaRef, batches: &[RecordBatch]) -> Result<Vec<RecordBatch>, TablesError> {
    let failed = |error: ArrowError| TablesError::Run(error.to_string());
    let one = |batches: &[RecordBatch]| {
        let columns = (0..schema.fields().len()).into_par_iter().map(|at| {
            let columns: Vec<&dyn Array> = batches.iter().map(|batch| batch.column(at).as_ref()).collect();
            let column = concat(&columns)?;
            let own = column.as_string_view_opt().map(|text| Arc::new(own_text(text)) as ArrayRef);
            Ok::<ArrayRef, ArrowError>(own.unwrap_or(column))
        });
        RecordBatch::try_new(Arc::clone(schema), columns.collect::<Result<_, _>>()?)
    };
    batches.par_chunks(COMPACTED_BATCHES).map(|batches| one(batches).map_err(failed)).collect()
}

/// The same text in buffers of its own; what comes again and again stands in them once.
fn own_text(text: &StringViewArray) -> StringViewArray {
    /// So many values tell whether it does.
    const LOOKED_AT: usize = 500;
    let some: BTreeSet<&str> = text.iter().take(LOOKED_AT).flatten().collect();
    if 2 * some.len() > text.len().min(LOOKED_AT) {
        return text.gc();
    }
    let mut builder = StringViewBuilder::with_capacity(text.len()).with_deduplicate_strings();
    for value in text {
        builder.append_option(value);
    }
    builder.finish()
}

/// Batches that are made into one.
const COMPACTED_BATCHES: usize = 16;

/// Rows of a dimension table in one batch.
const BATCH_ROWS: usize = 8192;

fn has_word(text: &str, word: &str) -> bool {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|other| other == word)
}

/// The SQL without its `--` lines, in which names mean nothing.
fn without_comments(sql: &str) -> String {
    let lines = sql.lines().filter(|line| !line.trim_start().starts_with("--"));
    lines.collect::<Vec<_>>().join("\n")
}

/// DataFusion's message without its list of all columns, of which it has already named the nearest.
fn message(error: &DataFusionError) -> String {
    let message = error.strip_backtrace();
    let end = message.find("\nValid fields are").unwrap_or(message.len());
    message[..end].to_owned()
}
