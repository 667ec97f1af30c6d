//! A Kubernetes release by its minor version, which is what decides behaviour: patch releases and vendor suffixes don't.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// A Kubernetes minor release, such as 1.34. Written and serialized as text, `"1.34"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// The major version; 1 for every release so far.
    pub major: u32,
    /// The minor version.
    pub minor: u32,
}

/// A text that is no Kubernetes version.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("expected a Kubernetes version such as 1.34, got {0:?}")]
pub struct InvalidVersion(pub String);

impl Version {
    /// The release `major.minor`.
    pub const fn new(major: u32, minor: u32) -> Self {
        Self { major, minor }
    }

    /// Reads major and minor version from texts such as `1.34`, `v1.34.2+k3s1` and `1.33-gke.100`; `None` where either is
    /// missing or not a number, and of `v0.0.0`, which programs say that were built without a version.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.trim_start_matches('v').split(['.', '-', '+', ' ']);
        let version = Self::new(parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        (version.major > 0).then_some(version)
    }
}

impl FromStr for Version {
    type Err = InvalidVersion;

    fn from_str(text: &str) -> Result<Self, InvalidVersion> {
        Self::parse(text).ok_or_else(|| InvalidVersion(text.to_owned()))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patch_releases_and_suffixes_are_ignored() {
        for text in ["1.34", "v1.34", "v1.34.2+k3s1", "1.34.0-gke.1067000", "1.34-rc.1", "v1.34.1 (linux/amd64)"] {
            assert_eq!(Version::parse(text), Some(Version::new(1, 34)), "{text}");
        }
        for text in ["", "v", "1", "1.", "latest", "1.x", "$Format", "v0.0.0", "v0.0.0-master+$Format"] {
            assert_eq!(Version::parse(text), None, "{text}");
        }
    }

    #[test]
    fn versions_compare_by_number_not_by_text() {
        assert!(Version::new(1, 9) < Version::new(1, 10) && Version::new(1, 99) < Version::new(2, 0));
    }

    #[test]
    fn a_version_is_written_and_read_as_text() {
        assert_eq!(serde_json::to_string(&Version::new(1, 30)).unwrap(), "\"1.30\"");
        assert_eq!(serde_json::from_str::<Version>("\"1.30\"").unwrap(), Version::new(1, 30));
        let message = "x".parse::<Version>().unwrap_err().to_string();
        assert_eq!(message, "expected a Kubernetes version such as 1.34, got \"x\"");
    }
}
