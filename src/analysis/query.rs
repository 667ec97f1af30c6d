//! Answers a built-in query, or SQL, over the logs.

use super::{AnalysisError, Session};
use crate::tables::{Params, QueryResult};

/// What to ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// A query by its name.
    Named(String),
    /// SQL.
    Sql {
        /// What stands for the text in messages.
        name: String,
        /// The text.
        text: String,
    },
}

/// Plans a question with values for its parameters, after filling the dimension tables that it reads. The answer is not
/// yet run.
///
/// # Errors
/// When there is no such query, or the question or its parameters don't hold.
pub async fn query(session: &Session, question: &Question, params: &Params) -> Result<QueryResult, AnalysisError> {
    let database = session.database();
    match question {
        Question::Named(name) => {
            session.read(&[name], &[]).await?;
            Ok(database.query(name, params).await?)
        }
        Question::Sql { name, text } => {
            session.read_for_sql(text).await?;
            Ok(database.sql(name, text, params).await?)
        }
    }
}
