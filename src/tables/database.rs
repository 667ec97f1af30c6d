//! Plans SQL over logs: the table, the views from query files, and the values of their parameters.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{ParamValues, ScalarValue};
use datafusion::dataframe::DataFrame;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::{SQLOptions, SessionConfig, SessionContext};

use serde::de::DeserializeOwned;

use super::output::Format;
use super::query_file::{Param, QueryFile, QuerySet};
use super::requests_table::{Logs, RequestsTable};

/// SQL over one set of logs.
pub struct Database {
    context: SessionContext,
    can_read_again: bool,
    queries: QuerySet,
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
    /// A database over `logs` whose queries may use about `memory_bytes` between them before they go to disk.
    ///
    /// # Errors
    /// When DataFusion can't be set up.
    pub fn new(logs: &Arc<Logs>, queries: QuerySet, memory_bytes: usize) -> Result<Self, TablesError> {
        let config =
            SessionConfig::new().with_target_partitions(rayon::current_num_threads()).with_information_schema(true);
        let runtime =
            RuntimeEnvBuilder::new().with_memory_pool(Arc::new(FairSpillPool::new(memory_bytes))).build_arc()?;
        let context = SessionContext::new_with_config_rt(config, runtime);
        context.register_table("requests", Arc::new(RequestsTable::new(Arc::clone(logs))))?;
        let can_read_again = logs.files.iter().all(|file| file.compression.is_some());
        Ok(Self { context, can_read_again, queries })
    }

    /// The queries at hand.
    pub const fn queries(&self) -> &QuerySet {
        &self.queries
    }

    /// Plans the query `name`.
    ///
    /// # Errors
    /// When there is none, or it or its parameters don't hold.
    pub async fn query(&self, name: &str, params: &BTreeMap<String, String>) -> Result<Answer, TablesError> {
        let query = self.queries.get(name).ok_or_else(|| TablesError::NoSuchQuery(name.to_owned()))?;
        let sql = query.sql.clone();
        self.plan(name, &sql, params).await
    }

    /// Runs the query that `T` is the row of, and reads its rows.
    ///
    /// # Errors
    /// When the query's columns are not those of `T`, before a log is read; or when it fails.
    pub async fn rows<T: TypedRow>(&self) -> Result<Vec<T>, TablesError> {
        let answer = self.query(T::QUERY, &BTreeMap::new()).await?;
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
            if query.name != name {
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
        let values = bind(name, &types, given, &known)?;
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
