//! What a request is about, parsed from method and URI as the server does before it processes a request
//! (`k8s.io/apiserver/pkg/endpoints/request/requestinfo.go`, `NewRequestInfo`).
//!
//! Three things differ from reading the URI literally: a GET without a name is a list or a watch, a field selector may
//! give a list its name, and old paths such as `/api/v1/watch/pods` contain the verb.
//!
//! One difference from upstream remains: a label selector that can't be parsed makes the server drop the name from the
//! field selector. The server answers such a request with 400, so label selectors are not checked here.

use std::borrow::Cow;

use super::query::{QueryParameters, decode_path};

/// What a request is about.
///
/// The fields can also be filled from an audit event, which has the verb, the `objectRef` and the URI.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestInfo<'r> {
    /// Whether it is for an API resource: a path `/api/V/…` or `/apis/G/V/…` with something after the version.
    pub is_resource_request: bool,
    /// The Kubernetes verb, empty for a method without one; for non-resource requests the HTTP method in lower case.
    pub verb: Cow<'r, str>,
    /// `api` or `apis`; empty for other paths and for paths too short to tell.
    pub api_prefix: Cow<'r, str>,
    /// The API group; empty for the core group.
    pub api_group: Cow<'r, str>,
    /// The API version; empty for non-resource requests.
    pub api_version: Cow<'r, str>,
    /// The namespace; a single Namespace object is in the namespace of its own name. Empty for cluster-scoped resources
    /// and across all namespaces.
    pub namespace: Cow<'r, str>,
    /// The resource, in the plural.
    pub resource: Cow<'r, str>,
    /// The subresource, such as `log`; empty if there is none.
    pub subresource: Cow<'r, str>,
    /// The object's name, from the path or, for a list or watch, from `fieldSelector=metadata.name=…`; else empty.
    pub name: Cow<'r, str>,
    /// The path without the query, percent-decoded.
    pub path: Cow<'r, str>,
}

/// Whether the request is long-running: it lasts until the client ends it, so concurrency limits exclude it. A watch is
/// long-running too, but API Priority and Fairness handles its start.
///
/// This is the rule of kube-apiserver (`pkg/controlplane/apiserver/config.go`); aggregated API servers except only
/// watches. `pods/log` counts even without `follow`.
pub fn is_long_running(request: &RequestInfo<'_>) -> bool {
    const VERBS: [&str; 2] = ["watch", "proxy"];
    const SUBRESOURCES: [&str; 5] = ["attach", "exec", "proxy", "log", "portforward"];
    if VERBS.contains(&request.verb.as_ref()) {
        return true;
    }
    if request.is_resource_request {
        SUBRESOURCES.contains(&request.subresource.as_ref())
    } else {
        request.path.starts_with("/debug/pprof/")
    }
}

impl<'r> RequestInfo<'r> {
    /// Parses a method and a URI; the URI is path and query, as in the audit event's `requestURI`.
    pub fn parse(method: &str, uri: &'r str) -> Self {
        let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
        let mut info = match decode_path(path) {
            Cow::Borrowed(path) => Self::from_path(method, path),
            Cow::Owned(path) => RequestInfo::from_path(method, &path).into_owned(),
        };
        if !info.resource.is_empty() && info.name.is_empty() {
            info.refine_verb(query);
        }
        info
    }

    /// Makes it own all of its text.
    pub fn into_owned(self) -> RequestInfo<'static> {
        let owned = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        RequestInfo {
            is_resource_request: self.is_resource_request,
            verb: owned(self.verb),
            api_prefix: owned(self.api_prefix),
            api_group: owned(self.api_group),
            api_version: owned(self.api_version),
            namespace: owned(self.namespace),
            resource: owned(self.resource),
            subresource: owned(self.subresource),
            name: owned(self.name),
            path: owned(self.path),
        }
    }

    /// Parses path and method alone: a list is still a get, and a deletecollection a delete.
    fn from_path(method: &str, path: &'r str) -> Self {
        let mut info = Self { path: path.into(), verb: method.to_ascii_lowercase().into(), ..Self::default() };
        let parts: Vec<&'r str> = path.trim_matches('/').split('/').collect();
        let after_version = match parts[..] {
            ["api", version, ref rest @ ..] if !rest.is_empty() => {
                (info.api_prefix, info.api_version) = ("api".into(), version.into());
                rest
            }
            ["apis", group, version, ref rest @ ..] if !rest.is_empty() => {
                (info.api_prefix, info.api_group, info.api_version) = ("apis".into(), group.into(), version.into());
                rest
            }
            ["apis", _, _] => {
                info.api_prefix = "apis".into();
                return info;
            }
            _ => return info,
        };
        info.is_resource_request = true;
        match after_version {
            // The server answers this with an error, and leaves the verb unset.
            ["watch" | "proxy"] => {}
            [verb @ ("watch" | "proxy"), of_resource @ ..] => {
                info.verb = (*verb).into();
                info.take_resource(of_resource);
            }
            of_resource => {
                info.verb = kubernetes_verb(method).into();
                info.take_resource(of_resource);
            }
        }
        info
    }

    /// Sets namespace, resource, name and subresource from the parts after version and verb.
    fn take_resource(&mut self, parts: &[&'r str]) {
        let parts = match parts {
            ["namespaces", namespace, rest @ ..] => {
                self.namespace = (*namespace).into();
                match rest {
                    // These are subresources of the Namespace object itself.
                    [] | ["status" | "finalize", ..] => parts,
                    resource => resource,
                }
            }
            _ => parts,
        };
        let part = |index: usize| Cow::Borrowed(parts.get(index).copied().unwrap_or_default());
        self.resource = part(0);
        self.name = part(1);
        if self.verb != "proxy" {
            self.subresource = part(2);
        }
    }

    /// Refines the verb of a request without a name, and may find the name in its field selector.
    fn refine_verb(&mut self, query: &str) {
        match self.verb.as_ref() {
            "delete" => self.verb = "deletecollection".into(),
            "get" => {
                let parameters = QueryParameters::parse(query);
                self.verb = if parameters.flag("watch") { "watch" } else { "list" }.into();
                if let Some(name) = selected_name(&parameters) {
                    self.name = name.into();
                }
            }
            _ => {}
        }
    }
}

/// The verb of a method on a resource, before a get is refined to a list.
fn kubernetes_verb(method: &str) -> &'static str {
    match method {
        "POST" => "create",
        "GET" | "HEAD" => "get",
        "PUT" => "update",
        "PATCH" => "patch",
        "DELETE" => "delete",
        _ => "",
    }
}

/// The name that the field selector asks for; `None` if an option can't be decoded: the server then ignores all of them
/// but `watch`.
fn selected_name(parameters: &QueryParameters<'_>) -> Option<String> {
    if parameters.integer("limit").is_err() || parameters.integer("timeoutSeconds").is_err() {
        return None;
    }
    let name = exact_value(parameters.text("fieldSelector"), "metadata.name")?;
    is_path_segment(&name).then_some(name)
}

/// Whether an object can have this name (`apimachinery/pkg/api/validate/content`, `IsPathSegmentName`).
fn is_path_segment(name: &str) -> bool {
    name != "." && name != ".." && !name.contains(['/', '%'])
}

/// The value that a field selector requires of a field; `None` if it requires none, or can't be parsed
/// (`apimachinery/pkg/fields/selector.go`).
fn exact_value(selector: &str, field: &str) -> Option<String> {
    let mut terms = selector_terms(selector);
    terms.sort_unstable();
    let mut exact = None;
    for term in terms.into_iter().filter(|term| !term.is_empty()) {
        // A `!` is an operator only before `=`.
        let operator_at = [term.find("!="), term.find('=')].into_iter().flatten().min()?;
        let (left, right) = term.split_at(operator_at);
        let is_exact = !right.starts_with("!=");
        let right = ["!=", "==", "="].iter().find_map(|operator| right.strip_prefix(operator))?;
        let value = unescaped(right)?;
        if is_exact && left == field && exact.is_none() {
            exact = Some(value);
        }
    }
    exact
}

/// A field selector's terms, split at unescaped commas.
fn selector_terms(selector: &str) -> Vec<&str> {
    let mut terms = Vec::new();
    let (mut start, mut is_escaped) = (0, false);
    for (at, byte) in selector.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b',' => {
                terms.push(&selector[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    terms.push(&selector[start..]);
    terms
}

/// A field selector's value without its backslashes; `None` if one is missing or escapes anything else.
fn unescaped(value: &str) -> Option<String> {
    let mut text = String::with_capacity(value.len());
    let mut characters = value.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => text.push(characters.next().filter(|next| matches!(next, '\\' | ',' | '='))?),
            ',' | '=' => return None,
            _ => text.push(character),
        }
    }
    Some(text)
}

/// Whether a URI is a resource's: `/api/V/…` or `/apis/G/V/…` with something after the version. It is
/// [`RequestInfo::is_resource_request`] at a fraction of the cost, for paths without doubled slashes.
pub fn is_resource_path(uri: &str) -> bool {
    let path = uri.split('?').next().unwrap_or_default();
    let mut parts = path.split('/').filter(|part| !part.is_empty());
    let before_resource = match parts.next() {
        Some("api") => 1,
        Some("apis") => 2,
        _ => return false,
    };
    parts.nth(before_resource).is_some()
}

/// How much of the cluster a request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// One object. A create counts, even if its name is unknown.
    Object,
    /// A collection in one namespace.
    Namespace,
    /// A collection in all namespaces, or of a resource that has none.
    Cluster,
}

impl Scope {
    /// The scope of a resource request (`apiserver/pkg/endpoints/metrics/metrics.go`, `CleanScope`).
    pub const fn from_request(verb_is_create: bool, has_namespace: bool, has_name: bool) -> Self {
        if has_name || verb_is_create {
            Self::Object
        } else if has_namespace {
            Self::Namespace
        } else {
            Self::Cluster
        }
    }

    /// The scope's name in the `scope` column.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Object => "object",
            Self::Namespace => "namespace",
            Self::Cluster => "cluster",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Verb, group, version, namespace, resource, subresource and name of a request for a resource.
    fn resource(method: &str, uri: &str) -> String {
        let info = RequestInfo::parse(method, uri);
        assert!(info.is_resource_request, "{method} {uri}");
        let RequestInfo { verb, api_group, api_version, namespace, resource, subresource, name, .. } = info;
        format!("{verb} {api_group}/{api_version} [{namespace}] {resource}/{subresource} {name}").trim_end().to_owned()
    }

    #[test]
    fn method_and_path_say_what_is_done_to_what() {
        for (method, uri, expected) in [
            ("GET", "/api/v1/pods", "list /v1 [] pods/"),
            ("HEAD", "/api/v1/pods", "list /v1 [] pods/"),
            ("GET", "/api/v1/namespaces/default/pods/x", "get /v1 [default] pods/ x"),
            ("POST", "/api/v1/namespaces/default/pods", "create /v1 [default] pods/"),
            ("PUT", "/api/v1/nodes/n1/status", "update /v1 [] nodes/status n1"),
            ("PATCH", "/apis/apps/v1/namespaces/a/deployments/d/scale", "patch apps/v1 [a] deployments/scale d"),
            ("DELETE", "/api/v1/nodes/n1", "delete /v1 [] nodes/ n1"),
            ("DELETE", "/api/v1/nodes", "deletecollection /v1 [] nodes/"),
            ("OPTIONS", "/api/v1/pods", " /v1 [] pods/"),
            ("get", "/api/v1/pods", " /v1 [] pods/"),
            ("POST", "/api/v1/namespaces/a/services/s/proxy/b/c", "create /v1 [a] services/proxy s"),
            ("GET", "//api/v1/pods/", "list /v1 [] pods/"),
            ("GET", "/api/v1/pods/a%20b", "get /v1 [] pods/ a b"),
            ("GET", "/api/v1/pods/a+b", "get /v1 [] pods/ a+b"),
        ] {
            assert_eq!(resource(method, uri), expected, "{method} {uri}");
        }
    }

    #[test]
    fn a_namespace_is_in_itself_and_so_are_its_subresources() {
        for (method, uri, expected) in [
            ("GET", "/api/v1/namespaces", "list /v1 [] namespaces/"),
            ("GET", "/api/v1/namespaces/foo", "get /v1 [foo] namespaces/ foo"),
            ("PUT", "/api/v1/namespaces/foo/finalize", "update /v1 [foo] namespaces/finalize foo"),
            ("GET", "/api/v1/namespaces/foo/status?watch", "get /v1 [foo] namespaces/status foo"),
            ("GET", "/api/v1/namespaces/foo/statuses", "list /v1 [foo] statuses/"),
        ] {
            assert_eq!(resource(method, uri), expected, "{method} {uri}");
        }
    }

    #[test]
    fn old_paths_have_the_verb_in_them_whatever_the_method() {
        for (method, uri, expected) in [
            ("GET", "/api/v1/watch/pods?watch=0", "watch /v1 [] pods/"),
            ("PATCH", "/api/v1/watch/namespaces/a/pods?limit=5", "watch /v1 [a] pods/"),
            ("GET", "/api/v1/watch/pods?fieldSelector=metadata.name%3Dfoo", "watch /v1 [] pods/"),
            ("GET", "/api/v1/watch/namespaces/a/pods/x/status", "watch /v1 [a] pods/status x"),
            ("POST", "/api/v1/proxy/namespaces/a/services/s/b", "proxy /v1 [a] services/ s"),
            ("GET", "/api/v1/watch", "get /v1 [] /"),
        ] {
            assert_eq!(resource(method, uri), expected, "{method} {uri}");
        }
    }

    #[test]
    fn a_watch_is_what_says_so_by_anything_but_false_and_0() {
        for (query, verb) in [
            ("watch", "watch"),
            ("watch=", "watch"),
            ("watch=1", "watch"),
            ("watch=no", "watch"),
            ("watch=0", "list"),
            ("watch=False", "list"),
            ("watch=false&watch=true", "list"),
            ("watch=true&limit=abc", "watch"),
            ("watch=true;limit=5", "list"),
            ("watch=%zz", "list"),
            ("w%61tch=%74rue", "watch"),
        ] {
            assert_eq!(RequestInfo::parse("GET", &format!("/api/v1/pods?{query}")).verb, verb, "{query}");
        }
    }

    #[test]
    fn a_field_selector_gives_a_list_its_name() {
        for (selector, name) in [
            ("metadata.name%3Dfoo", "foo"),
            ("metadata.name=foo", "foo"),
            ("metadata.name%3D%3Dfoo", "foo"),
            ("metadata.name%3Dfoo,spec.nodeName%3Dn", "foo"),
            ("spec.nodeName%21%3Dn,metadata.name%3Dfoo", "foo"),
            ("metadata.name%3Db,metadata.name%3Da", "a"),
            ("metadata.name%3Da%5C%2Cb", "a,b"),
            ("metadata.name%21%3Dfoo", ""),
            ("metadata.name%3D..", ""),
            ("metadata.name%3Da%2Fb", ""),
            ("metadata.name%3Da%3Db", ""),
            ("metadata.name%3Da%5Cb", ""),
            ("metadata.name%3Dfoo,nonsense", ""),
            ("metadata.name%3Dfoo&limit=", ""),
            ("metadata.name%3Dfoo&timeoutSeconds=1s", ""),
            ("metadata.name%3D", ""),
            ("%21a%3Db,metadata.name%3Dfoo", "foo"),
        ] {
            assert_eq!(
                RequestInfo::parse("GET", &format!("/api/v1/pods?fieldSelector={selector}")).name,
                name,
                "{selector}"
            );
        }
        assert_eq!(RequestInfo::parse("DELETE", "/api/v1/pods?fieldSelector=metadata.name%3Dfoo").name, "");
    }

    #[test]
    fn other_paths_are_about_no_resource_and_keep_the_method() {
        for uri in
            ["/", "/api", "/api/v1", "/apis", "/apis/apps", "/apis/apps/v1", "/healthz/etcd", "/openapi/v3/api/v1"]
        {
            let with_query = format!("{uri}?watch=true");
            let info = RequestInfo::parse("HEAD", &with_query);
            assert!(!info.is_resource_request, "{uri}");
            assert_eq!((info.verb.as_ref(), info.path.as_ref(), info.resource.as_ref()), ("head", uri, ""), "{uri}");
        }
    }

    #[test]
    fn streams_logs_and_profiles_are_long_running() {
        for (method, uri, expected) in [
            ("GET", "/api/v1/pods?watch=1", true),
            ("GET", "/api/v1/namespaces/a/pods/x/log", true),
            ("POST", "/api/v1/namespaces/a/pods/x/exec", true),
            ("GET", "/api/v1/nodes/n/proxy/metrics", true),
            ("GET", "/api/v1/proxy/nodes/n", true),
            ("GET", "/debug/pprof/heap", true),
            ("GET", "/debug/pprof", false),
            ("GET", "/api/v1/namespaces/a/pods/x/status", false),
            ("GET", "/api/v1/pods", false),
        ] {
            assert_eq!(is_long_running(&RequestInfo::parse(method, uri)), expected, "{method} {uri}");
        }
    }

    #[test]
    fn resource_paths_have_something_after_the_version() {
        for (uri, expected) in [
            ("/api/v1/pods?limit=5", true),
            ("/apis/apps/v1/deployments", true),
            ("/api/v1", false),
            ("/apis/apps/v1", false),
            ("/apis/apps", false),
            ("/healthz", false),
            ("/", false),
        ] {
            assert_eq!(is_resource_path(uri), expected, "{uri}");
            assert_eq!(RequestInfo::parse("GET", uri).is_resource_request, expected, "{uri}");
        }
    }
}
