//! Why a query can't be answered, in our words: what is wrong with the SQL or its parameters, and what may be meant.

use std::borrow::Cow;
use std::fmt::Display;

use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use datafusion::common::{Column, SchemaError};
use datafusion::error::DataFusionError;
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::ParserError;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

/// Why a query can't be answered. `query` is the query's name, or what stands for one, such as `--sql`.
#[derive(Debug, thiserror::Error)]
pub enum TablesError {
    /// There is no query of that name.
    #[error("there is no query named {name}")]
    UnknownQuery {
        /// The name.
        name: String,
        /// Queries whose names are like it, the nearest first.
        suggestions: Vec<String>,
    },
    /// The SQL reads a table or query that doesn't exist.
    #[error("{query}: there is no table or query {table}")]
    UnknownTable {
        /// The query.
        query: String,
        /// The table.
        table: String,
        /// Tables and queries whose names are like it, the nearest first.
        suggestions: Vec<String>,
        /// All tables.
        tables: Vec<String>,
    },
    /// The SQL reads a column that none of its tables has.
    #[error("{query}: there is no column {column}")]
    UnknownColumn {
        /// The query.
        query: String,
        /// The column.
        column: String,
        /// Columns whose names are like it, the nearest first.
        suggestions: Vec<String>,
        /// Whether it is written in double quotes, as if it were a string.
        is_quoted: bool,
    },
    /// The SQL can't be parsed.
    #[error("{query}: syntax error{}: {message}", at(*position))]
    Syntax {
        /// The query.
        query: String,
        /// What was expected, and what was found.
        message: String,
        /// The line and the column, both from 1, where they are known.
        position: Option<(u64, u64)>,
    },
    /// The text holds no SQL.
    #[error("{0}: no query given")]
    NoStatement(String),
    /// The text holds several statements.
    #[error("{0}: more than one statement; give one at a time")]
    SeveralStatements(String),
    /// The SQL changes tables or settings.
    #[error("{0}: only queries are allowed, not statements that change something")]
    NotReadOnly(String),
    /// The SQL makes no sense in another way.
    #[error("{query}: {message}")]
    Sql {
        /// The query.
        query: String,
        /// What is wrong.
        message: String,
    },
    /// The query has no such parameter.
    #[error("{query} has no parameter ${param}")]
    UnknownParam {
        /// The query.
        query: String,
        /// The parameter.
        param: String,
        /// The parameters that it has.
        params: Vec<String>,
    },
    /// The query has a parameter without a value or a default.
    #[error("{query}: ${param} has no value")]
    MissingParam {
        /// The query.
        query: String,
        /// The parameter.
        param: String,
    },
    /// The value of a parameter is not of its type.
    #[error("${param}: expected {}, got {value:?}", expected_value(expected))]
    BadParam {
        /// The parameter.
        param: String,
        /// The value given.
        value: String,
        /// The type it should have.
        expected: DataType,
    },
    /// The query reads the logs more than once, which isn't possible with a pipe.
    #[error("{0} reads the logs more than once, but standard input or a pipe can be read only once")]
    ReadsTwice(String),
    /// A query file's header or columns are not as those who read it expect.
    #[error("query {query}: {message}")]
    Contract {
        /// The query.
        query: String,
        /// What is wrong.
        message: String,
    },
    /// The query needs more memory, or room for temporary files, than it may use.
    #[error("the query needs more memory than it may use")]
    MemoryExhausted,
    /// The query failed while it ran.
    #[error("the query failed: {0}")]
    Run(String),
    /// The result can't be written.
    #[error("can't write the result")]
    Write(#[source] std::io::Error),
}

impl TablesError {
    /// What to do about it, as an imperative sentence; `None` where the message says it all.
    pub fn hint(&self) -> Option<Cow<'static, str>> {
        let did_you_mean = |suggestions: &[String], otherwise: &str| match suggestions {
            [] => otherwise.to_owned(),
            names => format!("did you mean {}? {otherwise}", names.join(" or ")),
        };
        Some(match self {
            Self::UnknownQuery { suggestions, .. } => {
                did_you_mean(suggestions, "stormglass query --list shows the queries; logs come after the name").into()
            }
            Self::UnknownTable { suggestions, tables, .. } => {
                let known = format!("tables: {}; queries: stormglass query --list", tables.join(", "));
                did_you_mean(suggestions, &known).into()
            }
            Self::UnknownColumn { is_quoted: true, column, .. } => {
                format!("double quotes name a column; strings take single quotes: '{column}'").into()
            }
            Self::UnknownColumn { suggestions, .. } => {
                did_you_mean(suggestions, "stormglass query --columns lists the columns of all tables").into()
            }
            Self::UnknownParam { params, .. } if params.is_empty() => return None,
            Self::UnknownParam { params, .. } => format!("its parameters: {}", params.join(", ")).into(),
            Self::MissingParam { param, .. } => format!("give one with --param {param}=VALUE").into(),
            Self::ReadsTwice(_) => "write it to a file first and name that".into(),
            Self::MemoryExhausted => "give it more with --query-memory".into(),
            _ => return None,
        })
    }

    /// The error of SQL that can't be planned. `sql` is its text.
    pub(super) fn planning(query: &str, sql: &str, error: &DataFusionError) -> Self {
        let query = query.to_owned();
        match error.find_root() {
            DataFusionError::SchemaError(error, _) => match &**error {
                SchemaError::FieldNotFound { field, valid_fields } => unknown_column(query, sql, field, valid_fields),
                SchemaError::AmbiguousReference { field } => {
                    let column = field.name();
                    let message = format!("column {column} is in several tables; write TABLE.{column}");
                    Self::Sql { query, message }
                }
                other => Self::Sql { query, message: other.to_string() },
            },
            DataFusionError::SQL(error, _) => syntax(query, error),
            other => Self::Sql { query, message: message(other) },
        }
    }
}

impl From<DataFusionError> for TablesError {
    fn from(error: DataFusionError) -> Self {
        match error.find_root() {
            DataFusionError::ResourcesExhausted(_) => Self::MemoryExhausted,
            root => Self::Run(message(root)),
        }
    }
}

impl From<ArrowError> for TablesError {
    fn from(error: ArrowError) -> Self {
        Self::Run(message(&DataFusionError::from(error)))
    }
}

/// Which of the names are most like `name`, the nearest first: at most three, and none that is hardly like it.
pub(super) fn similar<'n>(name: &str, names: impl IntoIterator<Item = &'n str>) -> Vec<String> {
    const LEAST: f64 = 0.6;
    let likeness = |other: &str| strsim::normalized_damerau_levenshtein(&name.to_lowercase(), &other.to_lowercase());
    let mut like: Vec<(f64, &str)> = names.into_iter().map(|other| (likeness(other), other)).collect();
    like.retain(|(likeness, _)| *likeness >= LEAST);
    like.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(other.1)));
    like.dedup_by_key(|(_, name)| *name);
    like.into_iter().take(3).map(|(_, name)| name.to_owned()).collect()
}

fn unknown_column(query: String, sql: &str, field: &Column, valid: &[Column]) -> TablesError {
    let is_quoted = Tokenizer::new(&GenericDialect {}, sql).tokenize().is_ok_and(|tokens| {
        let quotes = |token: &Token| matches!(token, Token::Word(word) if word.quote_style == Some('"') && word.value == field.name);
        tokens.iter().any(quotes)
    });
    let suggestions = similar(&field.name, valid.iter().map(|column| column.name.as_str()));
    // Quotes also keep capitals, so such a column may be meant after all.
    let is_column = |name: &String| name.eq_ignore_ascii_case(&field.name);
    let is_quoted = is_quoted && !suggestions.iter().any(is_column);
    TablesError::UnknownColumn { query, column: field.flat_name(), suggestions, is_quoted }
}

/// The parser gives the position of an error only as the end of its message.
fn syntax(query: String, error: &ParserError) -> TablesError {
    let message = match error {
        ParserError::ParserError(message) | ParserError::TokenizerError(message) => message.as_str(),
        ParserError::RecursionLimitExceeded => "too many levels of nesting",
    };
    let split = message.rsplit_once(" at Line: ").and_then(|(message, position)| {
        let (line, column) = position.split_once(", Column: ")?;
        Some((message, (line.parse().ok()?, column.parse().ok()?)))
    });
    let (message, position) = split.map_or((message, None), |(message, position)| (message, Some(position)));
    let message = uncapitalized(&message.replacen("Expected: ", "expected ", 1).replacen(", found: ", ", found ", 1))
        .replace("found EOF", "found the end of the query");
    // The end of the input is at no position.
    let position = position.filter(|position| *position != (0, 0));
    TablesError::Syntax { query, message, position }
}

fn at(position: Option<(u64, u64)>) -> impl Display {
    position.map(|(line, column)| format!(" at line {line}, column {column}")).unwrap_or_default()
}

fn expected_value(expected: &DataType) -> &'static str {
    match expected {
        expected if expected.is_integer() => "an integer",
        expected if expected.is_numeric() => "a number",
        DataType::Boolean => "true or false",
        DataType::Timestamp(..) => "a time such as 2026-11-24T09:00:00Z",
        DataType::Date32 | DataType::Date64 => "a date such as 2026-11-24",
        DataType::Interval(_) | DataType::Duration(_) => "a length of time such as '5 minutes'",
        _ => "text",
    }
}

/// What DataFusion says, without its prefixes, its backtrace, and the lists that follow.
fn message(error: &DataFusionError) -> String {
    let text = match error {
        DataFusionError::Plan(message)
        | DataFusionError::Execution(message)
        | DataFusionError::Configuration(message)
        | DataFusionError::Internal(message)
        | DataFusionError::ResourcesExhausted(message) => message.clone(),
        DataFusionError::NotImplemented(message) => format!("not supported: {message}"),
        DataFusionError::ArrowError(error, _) => match &**error {
            ArrowError::CastError(message)
            | ArrowError::ComputeError(message)
            | ArrowError::InvalidArgumentError(message)
            | ArrowError::ParseError(message) => message.clone(),
            other => other.to_string(),
        },
        other => other.strip_backtrace(),
    };
    let text = text.split(DataFusionError::BACK_TRACE_SEP).next().unwrap_or_default();
    // Before this it lists why each signature of the function doesn't fit, after it advice.
    if let Some((_, call)) = text.split_once("No function matches the given name and argument types ") {
        return format!("no function matches {}", call.split(". ").next().unwrap_or_default());
    }
    let text = text.split("This issue was likely caused by").next().unwrap_or_default();
    // Lists of candidates are indented.
    let lines: Vec<&str> = text.lines().take_while(|line| !line.starts_with('\t')).map(str::trim).collect();
    uncapitalized(lines.join(" ").trim_end_matches(" Candidate functions:").trim())
}

/// Begins with a lower-case letter, unless its first word is a name in capitals.
fn uncapitalized(text: &str) -> String {
    let mut chars = text.chars();
    match (chars.next(), chars.clone().next()) {
        (Some(first), Some(second)) if second.is_lowercase() => first.to_lowercase().chain(chars).collect(),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_names_come_first_and_strangers_not_at_all() {
        let names = ["lists", "list_urls", "watches", "list_reads", "top_clients"];
        assert_eq!(similar("list", names), ["lists"]);
        assert_eq!(similar("top_clint", names), ["top_clients"]);
        assert_eq!(similar("list_url", names), ["list_urls"]);
        assert!(similar("zebra", names).is_empty());
    }

    #[test]
    fn syntax_errors_say_where() {
        let error = ParserError::ParserError("Expected: an expression, found: from at Line: 1, Column: 8".to_owned());
        assert_eq!(
            syntax("--sql".to_owned(), &error).to_string(),
            "--sql: syntax error at line 1, column 8: expected an expression, found from"
        );
    }

    #[test]
    fn parameters_say_what_is_expected() {
        let error =
            TablesError::BadParam { param: "min_count".to_owned(), value: "few".to_owned(), expected: DataType::Int64 };
        assert_eq!(error.to_string(), "$min_count: expected an integer, got \"few\"");
    }
}
