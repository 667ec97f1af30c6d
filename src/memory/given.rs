//! Sizes given on the command line: `pods=10000x17KiB`. They take precedence over all other sources.

use std::str::FromStr;

use thiserror::Error;

use crate::kubernetes::GroupResource;
use crate::units;

/// The size of a resource, as given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// The API group; empty for the core group.
    pub api_group: String,
    /// The resource, in the plural.
    pub resource: String,
    /// Number of objects; `None` where not given.
    pub object_count: Option<u64>,
    /// Bytes of one object in JSON; `None` where not given.
    pub object_bytes: Option<u64>,
}

/// Why a size given by hand can't be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum GivenError {
    /// Not of the form at all.
    #[error("invalid size \"{0}\": expected RESOURCE[.GROUP]=[COUNT][xSIZE], such as pods=10000x17KiB")]
    Form(String),
    /// The part before the `x`.
    #[error("invalid number of objects \"{count}\" in \"{text}\"")]
    Count {
        /// The whole.
        text: String,
        /// The part.
        count: String,
    },
    /// The part after the `x`.
    #[error("invalid object size \"{size}\" in \"{text}\": expected a size such as 17KiB, 5KB or 4096")]
    Size {
        /// The whole.
        text: String,
        /// The part.
        size: String,
    },
}

impl FromStr for Given {
    type Err = GivenError;

    fn from_str(text: &str) -> Result<Self, GivenError> {
        let form = || GivenError::Form(text.to_owned());
        let (name, value) = text.split_once('=').ok_or_else(form)?;
        let GroupResource { api_group, resource } = GroupResource::parse(name.trim());
        let (count, size) = match value.split_once(['x', 'X', '×']) {
            Some((count, size)) => (count.trim(), Some(size.trim())),
            None => (value.trim(), None),
        };
        if resource.is_empty() || count.is_empty() && size.is_none() {
            return Err(form());
        }
        let count_error = |_| GivenError::Count { text: text.to_owned(), count: count.to_owned() };
        let object_count = (!count.is_empty()).then(|| count.parse().map_err(count_error)).transpose()?;
        let object_bytes = size
            .map(|size| {
                let bytes = units::parse_bytes(size).filter(|bytes| *bytes > 0);
                bytes.ok_or_else(|| GivenError::Size { text: text.to_owned(), size: size.to_owned() })
            })
            .transpose()?;
        Ok(Self { api_group: api_group.to_owned(), resource: resource.to_owned(), object_count, object_bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(text: &str) -> Result<(String, String, Option<u64>, Option<u64>), GivenError> {
        let given: Given = text.parse()?;
        Ok((given.api_group, given.resource, given.object_count, given.object_bytes))
    }

    #[test]
    fn count_and_size_may_each_be_left_out() {
        let pods = |count, size| Ok((String::new(), "pods".to_owned(), count, size));
        assert_eq!(given("pods=10000x17KiB"), pods(Some(10_000), Some(17 << 10)));
        assert_eq!(given("pods=3000 x 5KB"), pods(Some(3_000), Some(5_000)));
        assert_eq!(given("pods=10000"), pods(Some(10_000), None));
        assert_eq!(given("pods=x17KiB"), pods(None, Some(17 << 10)));
        assert_eq!(given("pods=0"), pods(Some(0), None));
    }

    #[test]
    fn a_group_follows_the_first_dot() {
        let (group, resource, ..) = given("endpointslices.discovery.k8s.io=200x5KB").unwrap();
        assert_eq!((group.as_str(), resource.as_str()), ("discovery.k8s.io", "endpointslices"));
    }

    #[test]
    fn the_message_says_which_part_is_wrong() {
        for (text, expected) in [
            ("pods", "invalid size \"pods\": expected RESOURCE"),
            ("pods=", "invalid size \"pods=\""),
            ("=5x5KB", "invalid size \"=5x5KB\""),
            ("pods=manyx5KB", "invalid number of objects \"many\" in \"pods=manyx5KB\""),
            ("pods=-1", "invalid number of objects \"-1\" in \"pods=-1\""),
            ("pods=5xbig", "invalid object size \"big\" in \"pods=5xbig\""),
            ("pods=5x", "invalid object size \"\" in \"pods=5x\""),
            ("pods=5x0", "invalid object size \"0\" in \"pods=5x0\""),
        ] {
            let message = given(text).unwrap_err().to_string();
            assert!(message.starts_with(expected), "{text}: {message}");
        }
    }
}
