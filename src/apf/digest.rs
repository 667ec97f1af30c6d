//! Everything about a request that API Priority and Fairness uses (upstream's `RequestDigest` in
//! `apiserver/pkg/util/flowcontrol/apf_controller.go`): it determines the FlowSchema, the flow and the seats.

use super::matching::{Attributes, Target};
use super::seats::{ListQuery, Work};
use crate::kubernetes::{RequestInfo, is_long_running};

/// The part of a request that API Priority and Fairness sees; requests with equal digests are treated alike.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RequestDigest {
    /// The user, or the impersonated one; empty if the log has none.
    pub user: String,
    /// The groups of that user.
    pub groups: Vec<String>,
    /// The Kubernetes verb, or the HTTP method in lower case.
    pub verb: String,
    /// The API group; `None` if the request is not for a resource.
    pub api_group: Option<String>,
    /// The resource; empty if the request is not for one.
    pub resource: String,
    /// The subresource; empty if there is none.
    pub subresource: String,
    /// The namespace; empty for cluster scope, and across all namespaces.
    pub namespace: String,
    /// The path if the request is not for a resource, else empty.
    pub path: String,
    /// Whether it names an object, in its path or in a field selector.
    pub has_name: bool,
    /// The options of a list or watch; `None` for other verbs, and if the server can't decode them.
    pub list: Option<ListQuery>,
    /// The client's deadline in seconds (`?timeout=`), which also shortens the wait in a queue; `None` if not given,
    /// and for watches, which have no deadline.
    pub timeout_secs: Option<f64>,
}

impl RequestDigest {
    /// The digest of a user's request; `uri` is the path and query that `info` was parsed from.
    pub fn new(user: &str, groups: &[String], info: &RequestInfo<'_>, uri: &str) -> Self {
        Self {
            user: user.to_owned(),
            groups: groups.to_vec(),
            verb: info.verb.to_string(),
            api_group: info.is_resource_request.then(|| info.api_group.to_string()),
            resource: info.resource.to_string(),
            subresource: info.subresource.to_string(),
            namespace: info.namespace.to_string(),
            path: if info.is_resource_request { String::new() } else { info.path.to_string() },
            has_name: !info.name.is_empty(),
            list: Work::from_request(info, uri).list,
            timeout_secs: None,
        }
    }

    /// What FlowSchemas are matched against.
    pub fn attributes(&self) -> Attributes<'_> {
        let target = match &self.api_group {
            Some(api_group) => Target::Resource {
                api_group,
                resource: &self.resource,
                subresource: &self.subresource,
                namespace: &self.namespace,
            },
            None => Target::Path(&self.path),
        };
        Attributes { user: &self.user, groups: &self.groups, verb: &self.verb, target }
    }

    /// Whether such a request bypasses API Priority and Fairness, as long-running requests do. Watches count only while
    /// they start.
    pub fn bypasses_apf(&self) -> bool {
        let info = RequestInfo {
            is_resource_request: self.api_group.is_some(),
            verb: self.verb.as_str().into(),
            subresource: self.subresource.as_str().into(),
            path: self.path.as_str().into(),
            ..RequestInfo::default()
        };
        self.verb != "watch" && is_long_running(&info)
    }

    /// What determines its seats.
    pub fn work(&self) -> Work<'_> {
        let is_core = self.api_group.as_deref() == Some("");
        let is_token = (self.resource.as_str(), self.subresource.as_str()) == ("serviceaccounts", "token");
        Work {
            verb: &self.verb,
            is_token_request: self.verb == "create" && is_core && is_token,
            is_single: self.has_name,
            list: self.list,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_says_what_the_request_said() {
        for (method, uri, passes_by) in [
            ("GET", "/api/v1/pods?limit=500&resourceVersion=0", false),
            ("GET", "/api/v1/namespaces/a/pods?fieldSelector=metadata.name%3Db", false),
            ("GET", "/api/v1/pods?watch=true", false),
            ("POST", "/api/v1/namespaces/a/serviceaccounts/b/token", false),
            ("GET", "/api/v1/namespaces/a/pods/b/log", true),
            ("POST", "/api/v1/namespaces/a/pods/b/exec", true),
            ("GET", "/debug/pprof/heap", true),
            ("GET", "/healthz", false),
        ] {
            let info = RequestInfo::parse(method, uri);
            let digest = RequestDigest::new("alice", &[], &info, uri);
            assert_eq!(digest.work(), Work::from_request(&info, uri), "{uri}");
            assert_eq!(digest.bypasses_apf(), passes_by, "{uri}");
            assert_eq!(digest.attributes().verb, info.verb, "{uri}");
        }
    }
}
