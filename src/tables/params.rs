//! Values of queries' parameters.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;

use super::error::TablesError;
use super::query_file::Param;

/// The value of a parameter.
#[derive(Clone, Debug, PartialEq)]
pub enum ParamValue {
    /// An integer; instants are microseconds since 1970.
    Int64(i64),
    /// A number.
    Float64(f64),
    /// Text, which is read as what the parameter's type asks for.
    Text(String),
}

/// Values of parameters by name, without the `$`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Params(BTreeMap<String, ParamValue>);

impl Params {
    /// No values: each parameter has its default.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with one more value.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<ParamValue>) -> Self {
        self.set(name, value);
        self
    }

    /// Adds or replaces a value.
    pub fn set(&mut self, name: &str, value: impl Into<ParamValue>) {
        self.0.insert(name.to_owned(), value.into());
    }

    /// Whether no value is given.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The values by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &ParamValue)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    fn get(&self, name: &str) -> Option<&ParamValue> {
        self.0.get(name)
    }
}

impl From<i64> for ParamValue {
    fn from(value: i64) -> Self {
        Self::Int64(value)
    }
}

impl From<f64> for ParamValue {
    fn from(value: f64) -> Self {
        Self::Float64(value)
    }
}

impl From<String> for ParamValue {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<&str> for ParamValue {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<&String> for ParamValue {
    fn from(value: &String) -> Self {
        Self::Text(value.clone())
    }
}

/// As `--param NAME=VALUE` takes it.
impl fmt::Display for ParamValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int64(value) => value.fmt(f),
            Self::Float64(value) => value.fmt(f),
            Self::Text(value) => value.fmt(f),
        }
    }
}

/// The unit of a parameter that is text whatever it looks like.
const TEXT: &str = "text";

/// A value for each parameter of a query: the first of `given` that has one, else its default. `types` are those that the
/// plan asks for; `None` where it takes any.
pub(super) fn bind(
    query: &str,
    types: &BTreeMap<String, Option<DataType>>,
    given: &[&Params],
    defaults: &BTreeMap<&str, &Param>,
) -> Result<HashMap<String, ScalarValue>, TablesError> {
    let mut values = HashMap::new();
    for (param, data_type) in types {
        let declared = defaults.get(param.as_str());
        // The plan asks for no type where a parameter is only compared; a name that looks like a number is text all the same.
        let text = declared.filter(|declared| declared.unit == TEXT).map(|_| &DataType::Utf8);
        let data_type = data_type.as_ref().or(text);
        let default = || declared.map(|declared| ParamValue::from(&declared.default));
        let value = given.iter().find_map(|params| params.get(param)).cloned().or_else(default);
        let missing = || TablesError::MissingParam { query: query.to_owned(), param: param.clone() };
        values.insert(param.clone(), scalar(param, &value.ok_or_else(missing)?, data_type)?);
    }
    Ok(values)
}

fn scalar(param: &str, value: &ParamValue, data_type: Option<&DataType>) -> Result<ScalarValue, TablesError> {
    let Some(data_type) = data_type else {
        return Ok(untyped(value));
    };
    let is_fraction = matches!(value, ParamValue::Float64(number) if number.fract().abs() > 0.0);
    let scalar = match value {
        ParamValue::Int64(number) => ScalarValue::from(*number).cast_to(data_type),
        ParamValue::Float64(number) => ScalarValue::from(*number).cast_to(data_type),
        ParamValue::Text(text) => ScalarValue::try_from_string(text.clone(), data_type),
    };
    let bad =
        || TablesError::BadParam { param: param.to_owned(), value: value.to_string(), expected: data_type.clone() };
    if is_fraction && data_type.is_integer() {
        return Err(bad());
    }
    scalar.map_err(|_| bad())
}

/// What text says when nothing asks for a type: an integer if it is one, else a number if it is one.
fn untyped(value: &ParamValue) -> ScalarValue {
    match value {
        ParamValue::Int64(number) => ScalarValue::from(*number),
        ParamValue::Float64(number) => ScalarValue::from(*number),
        ParamValue::Text(text) => match (text.parse::<i64>(), text.parse::<f64>()) {
            (Ok(integer), _) => ScalarValue::from(integer),
            (_, Ok(number)) => ScalarValue::from(number),
            _ => ScalarValue::from(text.as_str()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_what_the_parameter_asks_for() {
        let bound = |value: ParamValue, data_type: Option<&DataType>| scalar("p", &value, data_type).ok();
        assert_eq!(bound(60_i64.into(), Some(&DataType::Float64)), Some(ScalarValue::from(60.0)));
        assert_eq!(bound(60.0.into(), Some(&DataType::Int64)), Some(ScalarValue::from(60_i64)));
        assert_eq!(bound(0.5.into(), Some(&DataType::Int64)), None);
        assert_eq!(bound("60".into(), Some(&DataType::Int64)), Some(ScalarValue::from(60_i64)));
        assert_eq!(bound("few".into(), Some(&DataType::Int64)), None);
        assert_eq!(bound("60".into(), None), Some(ScalarValue::from(60_i64)));
    }

    #[test]
    fn text_that_looks_like_a_number_stays_text() {
        let server =
            Param { name: "server".to_owned(), unit: "text".to_owned(), default: "*".to_owned(), about: String::new() };
        let types = BTreeMap::from([("server".to_owned(), None)]);
        let given = Params::new().with("server", "0864");
        let bound = bind("cut_off_reads", &types, &[&given], &BTreeMap::from([("server", &server)])).unwrap();
        assert_eq!(bound["server"], ScalarValue::from("0864"));
    }
}
