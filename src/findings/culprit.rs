//! Which client a finding is about, or that it is about many.

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

/// Both names of a finding of many clients, in JSON.
const MANY: &str = "many";

/// The clients that a finding is about. In JSON, the fields `client_type` and `client`; both are `many` for many.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Culprit {
    /// One client.
    One {
        /// The client's type.
        client_type: String,
        /// The client's name.
        client: String,
    },
    /// Several clients, none of which stands out.
    Many,
}

impl Culprit {
    /// One client.
    pub fn one(client_type: impl Into<String>, client: impl Into<String>) -> Self {
        Self::One { client_type: client_type.into(), client: client.into() }
    }

    /// The client's name; `None` for many.
    pub fn client(&self) -> Option<&str> {
        match self {
            Self::One { client, .. } => Some(client),
            Self::Many => None,
        }
    }

    /// Whether it is one client, and this one.
    pub fn is(&self, client_type: &str, client: &str) -> bool {
        matches!(self, Self::One { client_type: own_type, client: own } if own_type == client_type && own == client)
    }

    /// The client's type and its name, as in the JSON.
    pub fn names(&self) -> (&str, &str) {
        match self {
            Self::One { client_type, client } => (client_type, client),
            Self::Many => (MANY, MANY),
        }
    }
}

impl Serialize for Culprit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (client_type, client) = self.names();
        let mut fields = serializer.serialize_struct("Culprit", 2)?;
        fields.serialize_field("client_type", client_type)?;
        fields.serialize_field("client", client)?;
        fields.end()
    }
}
