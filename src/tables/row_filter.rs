//! Conditions that a request is checked against before its columns are filled.
//!
//! What a query asks of single columns, and of several by `and` and `or`, is checked here, so that columns which only that
//! query reads are never filled for rows that it doesn't want. DataFusion checks everything else.

use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::{InList, Like};
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};

use super::columns::{COLUMNS, Column, Value};
use super::row::Row;
use crate::audit::Text;

/// A condition on a row. Null counts as false, as no condition that could be either is negated.
#[derive(Clone, Debug)]
pub(super) enum RowFilter {
    All(Vec<RowFilter>),
    Any(Vec<RowFilter>),
    /// The text is one of these, or, if negated, is another.
    IsOneOf {
        column: &'static Column,
        texts: Vec<String>,
        is_negated: bool,
    },
    StartsWith {
        column: &'static Column,
        prefix: String,
    },
    Compares {
        column: &'static Column,
        operator: Operator,
        number: i64,
    },
    IsTrue(&'static Column),
    IsNull {
        column: &'static Column,
        is_negated: bool,
    },
}

impl RowFilter {
    /// The condition that an expression states; `None` where it is more than can be checked here.
    pub(super) fn from_expr(expression: &Expr) -> Option<Self> {
        match expression {
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
                Some(Self::All(vec![Self::from_expr(left)?, Self::from_expr(right)?]))
            }
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => {
                Some(Self::Any(vec![Self::from_expr(left)?, Self::from_expr(right)?]))
            }
            Expr::BinaryExpr(BinaryExpr { left, op, right }) => compared(left, *op, right),
            Expr::InList(InList { expr, list, negated }) => {
                let texts = list.iter().map(text).collect::<Option<Vec<_>>>()?;
                Some(Self::IsOneOf { column: text_column(expr)?, texts, is_negated: *negated })
            }
            Expr::Like(Like { negated: false, expr, pattern, escape_char: None, case_insensitive: false }) => {
                let pattern = text(pattern)?;
                let prefix = pattern.strip_suffix('%').filter(|prefix| !prefix.contains(['%', '_', '\\']))?;
                Some(Self::StartsWith { column: text_column(expr)?, prefix: prefix.to_owned() })
            }
            Expr::ScalarFunction(call) if call.name() == "starts_with" => match call.args.as_slice() {
                [of, prefix] => Some(Self::StartsWith { column: text_column(of)?, prefix: text(prefix)? }),
                _ => None,
            },
            Expr::IsNull(of) => Some(Self::IsNull { column: column(of, is_simple)?, is_negated: false }),
            Expr::IsNotNull(of) => Some(Self::IsNull { column: column(of, is_simple)?, is_negated: true }),
            Expr::Column(_) => Some(Self::IsTrue(column(expression, |value| matches!(value, Value::Boolean(_)))?)),
            _ => None,
        }
    }

    /// Whether a row meets it.
    pub(super) fn holds<'r>(&self, row: &'r Row<'r>) -> bool {
        match self {
            Self::All(filters) => filters.iter().all(|filter| filter.holds(row)),
            Self::Any(filters) => filters.iter().any(|filter| filter.holds(row)),
            Self::IsOneOf { column, texts, is_negated } => {
                text_of(column, row).is_some_and(|text| texts.iter().any(|one| text == **one) != *is_negated)
            }
            Self::StartsWith { column, prefix } => {
                text_of(column, row).is_some_and(|text| text.decode().starts_with(prefix.as_str()))
            }
            Self::Compares { column, operator, number } => number_of(column, row).is_some_and(|value| match operator {
                Operator::Eq => value == *number,
                Operator::NotEq => value != *number,
                Operator::Lt => value < *number,
                Operator::LtEq => value <= *number,
                Operator::Gt => value > *number,
                _ => value >= *number,
            }),
            Self::IsTrue(column) => matches!(column.value, Value::Boolean(of) if of(row) == Some(true)),
            Self::IsNull { column, is_negated } => is_null(column, row) != *is_negated,
        }
    }

    /// Whether any column in it [needs the URI](Column::needs_uri).
    pub(super) fn needs_uri(&self) -> bool {
        match self {
            Self::All(filters) | Self::Any(filters) => filters.iter().any(Self::needs_uri),
            Self::IsOneOf { column, .. }
            | Self::StartsWith { column, .. }
            | Self::Compares { column, .. }
            | Self::IsNull { column, .. }
            | Self::IsTrue(column) => column.needs_uri,
        }
    }
}

/// `column <operator> literal`, either way round.
fn compared(left: &Expr, operator: Operator, right: &Expr) -> Option<RowFilter> {
    let (of, operator, literal) = match (left, right) {
        (Expr::Column(_), Expr::Literal(..)) => (left, operator, right),
        (Expr::Literal(..), Expr::Column(_)) => (right, operator.swap()?, left),
        _ => return None,
    };
    if let (Some(text), Operator::Eq | Operator::NotEq) = (text(literal), operator) {
        let is_negated = operator == Operator::NotEq;
        return Some(RowFilter::IsOneOf { column: text_column(of)?, texts: vec![text], is_negated });
    }
    use Operator::{Eq, Gt, GtEq, Lt, LtEq, NotEq};
    if !matches!(operator, Eq | NotEq | Lt | LtEq | Gt | GtEq) {
        return None;
    }
    let number = match literal {
        Expr::Literal(ScalarValue::Int32(Some(number)), _) => i64::from(*number),
        Expr::Literal(ScalarValue::Int64(Some(number)), _) => *number,
        _ => return None,
    };
    let column = column(of, |value| matches!(value, Value::Int32(_) | Value::Int64(_)))?;
    Some(RowFilter::Compares { column, operator, number })
}

/// The column that an expression names, if its value is such.
fn column(expression: &Expr, is_such: fn(Value) -> bool) -> Option<&'static Column> {
    let Expr::Column(named) = expression else {
        return None;
    };
    COLUMNS.iter().find(|column| column.name == named.name && is_such(column.value))
}

fn text_column(expression: &Expr) -> Option<&'static Column> {
    column(expression, |value| matches!(value, Value::Utf8(_)))
}

/// Whether such a value can be told to be null without computing more than the value.
const fn is_simple(value: Value) -> bool {
    matches!(value, Value::Utf8(_) | Value::Timestamp(_) | Value::Int32(_) | Value::Int64(_) | Value::Boolean(_))
}

fn text(expression: &Expr) -> Option<String> {
    match expression {
        Expr::Literal(literal, _) => literal.try_as_str().flatten().map(str::to_owned),
        _ => None,
    }
}

fn text_of<'r>(column: &Column, row: &'r Row<'r>) -> Option<Text<'r>> {
    match column.value {
        Value::Utf8(of) => of(row),
        _ => None,
    }
}

fn number_of(column: &Column, row: &Row<'_>) -> Option<i64> {
    match column.value {
        Value::Int32(of) => of(row).map(i64::from),
        Value::Int64(of) => of(row),
        _ => None,
    }
}

fn is_null<'r>(column: &Column, row: &'r Row<'r>) -> bool {
    match column.value {
        Value::Utf8(of) => of(row).is_none(),
        Value::Timestamp(of) => of(row).is_none(),
        Value::Int32(of) => of(row).is_none(),
        Value::Int64(of) => of(row).is_none(),
        Value::Boolean(of) => of(row).is_none(),
        _ => unreachable!("only columns with simple values are checked for null"),
    }
}
