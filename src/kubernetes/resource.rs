//! Names of resources and objects: as kubectl writes them, and which ones the server accepts.

use std::borrow::Cow;
use std::fmt;

/// A resource and its API group, written `deployments.apps` (upstream `schema.GroupResource`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupResource<'a> {
    /// The API group, such as `apps`; empty for the core group.
    pub api_group: &'a str,
    /// The resource in the plural, such as `deployments`.
    pub resource: &'a str,
}

impl<'a> GroupResource<'a> {
    /// Reads `deployments.apps` or `pods`: resources have no dot in their name, groups may.
    pub fn parse(text: &'a str) -> Self {
        let (resource, api_group) = text.split_once('.').unwrap_or((text, ""));
        Self { api_group, resource }
    }
}

impl fmt::Display for GroupResource<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.api_group {
            "" => f.write_str(self.resource),
            api_group => write!(f, "{}.{api_group}", self.resource),
        }
    }
}

/// A resource with its API group as kubectl takes it, such as `deployments.apps`; `None` and the empty group are the core
/// group, which is not written.
pub fn resource_name(resource: &str, api_group: Option<&str>) -> String {
    GroupResource { api_group: api_group.unwrap_or_default(), resource }.to_string()
}

/// A resource with its subresource, such as `pods/log`; the resource alone if the subresource is empty.
pub fn resource_with_subresource<'r>(resource: &'r str, subresource: &str) -> Cow<'r, str> {
    match subresource {
        "" => Cow::Borrowed(resource),
        _ => Cow::Owned(format!("{resource}/{subresource}")),
    }
}

/// Built-in resources without a namespace (`kubectl api-resources --namespaced=false`).
const CLUSTER_SCOPED: [&str; 22] = [
    "apiservices",
    "certificatesigningrequests",
    "clusterrolebindings",
    "clusterroles",
    "componentstatuses",
    "csidrivers",
    "csinodes",
    "customresourcedefinitions",
    "flowschemas",
    "ingressclasses",
    "mutatingwebhookconfigurations",
    "namespaces",
    "nodes",
    "persistentvolumes",
    "priorityclasses",
    "prioritylevelconfigurations",
    "runtimeclasses",
    "storageclasses",
    "subjectaccessreviews",
    "tokenreviews",
    "validatingwebhookconfigurations",
    "volumeattachments",
];

/// Whether a built-in resource has no namespace; false for custom resources, whose scope is unknown.
pub fn is_cluster_scoped(resource: &str) -> bool {
    CLUSTER_SCOPED.contains(&resource)
}

/// Whether a text is a DNS label, as namespaces are: up to 63 lower case letters, digits and `-`, with a letter or digit at
/// both ends (`apimachinery/pkg/util/validation`, `IsDNS1123Label`).
pub fn is_dns_label(text: &str) -> bool {
    text.len() <= 63 && is_label(text)
}

/// Whether a text is a DNS subdomain, as most object names are: up to 253 characters, labels of any length joined by `.`
/// (`apimachinery/pkg/util/validation`, `IsDNS1123Subdomain`).
pub fn is_dns_subdomain(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(is_label)
}

/// Whether a text is a DNS label but for its length.
fn is_label(text: &str) -> bool {
    let is_alphanumeric = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    bytes.first().is_some_and(is_alphanumeric)
        && bytes.last().is_some_and(is_alphanumeric)
        && bytes.iter().all(|byte| is_alphanumeric(byte) || *byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_group_follows_the_first_dot_and_the_core_group_is_not_written() {
        for (text, resource, api_group) in [
            ("pods", "pods", ""),
            ("deployments.apps", "deployments", "apps"),
            ("endpointslices.discovery.k8s.io", "endpointslices", "discovery.k8s.io"),
        ] {
            assert_eq!(GroupResource::parse(text), GroupResource { api_group, resource });
            assert_eq!(resource_name(resource, Some(api_group)), text);
        }
        assert_eq!(resource_name("pods", None), "pods");
        assert_eq!(resource_with_subresource("pods", "log"), "pods/log");
        assert_eq!(resource_with_subresource("pods", ""), "pods");
    }

    #[test]
    fn labels_are_short_and_subdomains_are_labels_with_dots() {
        for (text, is_label, is_subdomain) in [
            ("kube-system", true, true),
            ("a", true, true),
            ("a.b", false, true),
            ("", false, false),
            ("-a", false, false),
            ("a-", false, false),
            ("A", false, false),
            ("a..b", false, false),
            ("a_b", false, false),
        ] {
            assert_eq!((is_dns_label(text), is_dns_subdomain(text)), (is_label, is_subdomain), "{text}");
        }
        assert!(is_dns_label(&"a".repeat(63)) && !is_dns_label(&"a".repeat(64)));
        assert!(is_dns_subdomain(&"a".repeat(253)) && !is_dns_subdomain(&"a".repeat(254)));
    }
}
