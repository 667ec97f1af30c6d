//! A kind of request. Its verb and URI, such as `get /api/v1/namespaces/«ns»/pods/«pod»`, are enough to derive the
//! `objectRef` and the error messages.

use super::bodies::Body;
use super::template::Template;
use crate::kubernetes::resource_name;

/// A kind of request, as written in the tables of calls.
#[derive(Clone, Debug)]
pub(super) struct CallSpec {
    verb: &'static str,
    uri: String,
    micros: i64,
    name: &'static str,
    code: u16,
    failure: (u16, u64),
    body: Body,
    page_count: u32,
}

/// A request of `verb` for `uri`, with a median latency of `micros`.
pub(super) fn spec(verb: &'static str, uri: impl Into<String>, micros: i64) -> CallSpec {
    CallSpec {
        verb,
        uri: uri.into(),
        micros,
        name: "",
        code: if verb == "create" { 201 } else { 200 },
        failure: (0, 0),
        body: Body::None,
        page_count: 0,
    }
}

impl CallSpec {
    /// Sets the name of the created object, which is not in the URI.
    pub(super) fn named(mut self, name: &'static str) -> Self {
        self.name = name;
        self
    }

    /// Sets the response code; the default is 200, or 201 for a create.
    pub(super) fn answers(mut self, code: u16) -> Self {
        self.code = code;
        self
    }

    /// Makes `per_mille` of 1,000 requests fail with `code`.
    pub(super) fn fails(mut self, code: u16, per_mille: u64) -> Self {
        self.failure = (code, per_mille);
        self
    }

    /// Sets the objects of request and response, for lines whose level includes them.
    pub(super) fn carries(mut self, body: Body) -> Self {
        self.body = body;
        self
    }

    /// Makes the client follow a list for `page_count` pages after the first.
    pub(super) fn paged(mut self, page_count: u32) -> Self {
        self.page_count = page_count;
        self
    }
}

/// A kind of request, ready to be written.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// The Kubernetes verb, or the HTTP method in lower case for a non-resource request.
    pub(super) verb: &'static str,
    /// `requestURI`, escaped.
    pub(super) uri: Template,
    /// `requestURI` of the pages after the first.
    pub(super) next_uri: Template,
    /// The number of pages after the first.
    pub(super) page_count: u32,
    /// `"objectRef":{…},` of stage RequestReceived, derived from the URI alone; empty for non-resource requests.
    pub(super) received_target: Template,
    /// `"objectRef":{…},` of the later stages.
    pub(super) target: Template,
    /// Whether there is a line at ResponseStarted.
    pub(super) is_long_running: bool,
    /// Whether it lists all namespaces, or a resource without namespaces.
    pub(super) is_cluster_list: bool,
    /// Whether the API version is deprecated.
    pub(super) is_deprecated: bool,
    /// The resource as error messages name it: `pods`, `deployments.apps`.
    pub(super) qualified_resource: String,
    /// Empty for non-resource requests.
    pub(super) resource: String,
    /// Empty for the core group.
    pub(super) group: String,
    /// Name of the object; empty for lists.
    pub(super) name: Template,
    /// `None` for requests at the cluster scope.
    pub(super) namespace: Option<Template>,
    pub(super) subresource: String,
    /// Median latency in microseconds; of a watch, until the response starts.
    pub(super) micros: i64,
    /// The response code of a request that does not fail.
    pub(super) code: u16,
    /// The response code of a request that fails, and how many in 1,000 do.
    pub(super) failure: (u16, u64),
    pub(super) body: Body,
}

impl Call {
    pub(super) fn new(spec: &CallSpec) -> Self {
        let path = ObjectPath::parse(&spec.uri);
        let name = if spec.name.is_empty() { path.name.as_str() } else { spec.name };
        let writes_version = matches!(spec.verb, "update") && !path.name.is_empty();
        Self {
            verb: spec.verb,
            uri: Template::from_uri(&spec.uri),
            next_uri: Template::from_uri(&spec.uri.replacen("?limit", "?continue=«continue»&limit", 1)),
            page_count: spec.page_count,
            received_target: Template::new(&path.object_ref(&path.name, false)),
            target: Template::new(&path.object_ref(name, writes_version)),
            is_long_running: spec.verb == "watch"
                || matches!(path.subresource.as_str(), "log" | "exec" | "portforward" | "proxy"),
            is_cluster_list: matches!(spec.verb, "list") && path.namespace.is_empty() && path.name.is_empty(),
            is_deprecated: path.group.is_empty() && path.resource == "endpoints",
            qualified_resource: path.qualified_resource(),
            name: Template::new(name),
            namespace: (!path.namespace.is_empty()).then(|| Template::new(&path.namespace)),
            resource: path.resource,
            group: path.group,
            subresource: path.subresource,
            micros: spec.micros,
            code: spec.code,
            failure: spec.failure,
            body: spec.body,
        }
    }
}

/// The parts of a URI; all empty for a non-resource request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct ObjectPath {
    group: String,
    version: String,
    namespace: String,
    resource: String,
    name: String,
    subresource: String,
}

impl ObjectPath {
    fn parse(uri: &str) -> Self {
        let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let (group, version, rest) = match parts.as_slice() {
            ["api", version, rest @ ..] if !rest.is_empty() => ("", *version, rest),
            ["apis", group, version, rest @ ..] if !rest.is_empty() => (*group, *version, rest),
            _ => return Self::default(),
        };
        let (namespace, rest) = match rest {
            ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (*namespace, rest),
            _ => ("", rest),
        };
        let part = |index: usize| rest.get(index).copied().unwrap_or("").to_owned();
        let name = if part(1).is_empty() { selected_name(query) } else { part(1) };
        Self {
            group: group.to_owned(),
            version: version.to_owned(),
            namespace: namespace.to_owned(),
            resource: part(0),
            name,
            subresource: part(2),
        }
    }

    fn qualified_resource(&self) -> String {
        resource_name(&self.resource, Some(&self.group))
    }

    /// `"objectRef":{…},` with the fields in Go's order.
    fn object_ref(&self, name: &str, writes_version: bool) -> String {
        if self.resource.is_empty() {
            return String::new();
        }
        let version = if writes_version { "«rv»" } else { "" };
        let fields: Vec<String> = [
            ("resource", self.resource.as_str()),
            ("namespace", &self.namespace),
            ("name", name),
            ("apiGroup", &self.group),
            ("apiVersion", &self.version),
            ("resourceVersion", version),
            ("subresource", &self.subresource),
        ]
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(field, value)| format!(r#""{field}":"{value}""#))
        .collect();
        format!(r#""objectRef":{{{}}},"#, fields.join(","))
    }
}

/// The name in `fieldSelector=metadata.name=…`, which upstream treats as the name of the object.
fn selected_name(query: &str) -> String {
    let name = query.split_once("metadata.name%3D").map(|(_, rest)| rest.split(['&', '%']).next().unwrap_or(""));
    name.unwrap_or("").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_parsed_as_upstream_does() {
        let path = ObjectPath::parse("/apis/apps/v1/namespaces/«ns»/deployments/«app»/scale");
        assert_eq!(
            path.object_ref(&path.name, true),
            r#""objectRef":{"resource":"deployments","namespace":"«ns»","name":"«app»","apiGroup":"apps","apiVersion":"v1","resourceVersion":"«rv»","subresource":"scale"},"#
        );
        let node = ObjectPath::parse("/api/v1/nodes?fieldSelector=metadata.name%3D«node»&watch=true");
        assert_eq!((node.resource.as_str(), node.name.as_str()), ("nodes", "«node»"));
        assert_eq!(ObjectPath::parse("/api/v1/namespaces/«ns»").resource, "namespaces");
        for uri in ["/metrics", "/api?timeout=32s", "/apis/apps/v1?timeout=32s", "/openapi/v3"] {
            assert_eq!(ObjectPath::parse(uri), ObjectPath::default(), "{uri}");
        }
    }
}
