//! One kind of request, taken apart from the way one writes it: `get /api/v1/namespaces/«ns»/pods/«pod»` is enough to know
//! the URI, the `objectRef` and the words of an error message.

use super::bodies::Body;
use super::template::Template;
use crate::kubernetes::resource_name;

/// A kind of request, as the catalogue writes it.
#[derive(Clone, Debug)]
pub(super) struct Spec {
    verb: &'static str,
    uri: String,
    micros: i64,
    name: &'static str,
    code: u16,
    failure: (u16, u64),
    body: Body,
    page_count: u32,
}

/// A request of `verb` for `uri` whose median latency is `micros`.
pub(super) fn spec(verb: &'static str, uri: impl Into<String>, micros: i64) -> Spec {
    Spec {
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

impl Spec {
    /// The created object's name, which only its body tells.
    pub(super) fn named(mut self, name: &'static str) -> Self {
        self.name = name;
        self
    }

    /// Answers with another code than 200 or, for a create, 201.
    pub(super) fn answers(mut self, code: u16) -> Self {
        self.code = code;
        self
    }

    /// Fails with `code` so many times in a thousand.
    pub(super) fn fails(mut self, code: u16, per_mille: u64) -> Self {
        self.failure = (code, per_mille);
        self
    }

    /// What its bodies are, where the policy asks for them.
    pub(super) fn carries(mut self, body: Body) -> Self {
        self.body = body;
        self
    }

    /// A list that is followed to its end, so many pages after the first.
    pub(super) fn paged(mut self, page_count: u32) -> Self {
        self.page_count = page_count;
        self
    }
}

/// A kind of request, ready to be written.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// The Kubernetes verb, or the lower-case method of a non-resource request.
    pub(super) verb: &'static str,
    /// `requestURI`, escaped.
    pub(super) uri: Template,
    /// `requestURI` of the pages after the first.
    pub(super) next_uri: Template,
    /// How many pages follow the first.
    pub(super) page_count: u32,
    /// `"objectRef":{…},` of stage RequestReceived, which knows the URI only; empty for non-resource requests.
    pub(super) received_target: Template,
    /// `"objectRef":{…},` of the later stages.
    pub(super) target: Template,
    /// Whether it is written at ResponseStarted too.
    pub(super) is_long_running: bool,
    /// Whether it reads a resource of the whole cluster.
    pub(super) is_cluster_list: bool,
    /// Whether it was made for a deprecated version of the API.
    pub(super) is_deprecated: bool,
    /// `pods` or `deployments.apps`: the resource as messages name it.
    pub(super) qualified_resource: String,
    /// The resource; empty for non-resource requests.
    pub(super) resource: String,
    /// The API group; empty for the core group.
    pub(super) group: String,
    /// The object's name; empty for lists.
    pub(super) name: Template,
    /// The namespace; empty for the cluster's scope.
    pub(super) namespace: Option<Template>,
    /// The subresource.
    pub(super) subresource: String,
    /// Median latency, or a watch's time to its first byte.
    pub(super) micros: i64,
    /// The code of success.
    pub(super) code: u16,
    /// A code of failure, and how often it comes in a thousand.
    pub(super) failure: (u16, u64),
    /// What its bodies are.
    pub(super) body: Body,
}

impl Call {
    pub(super) fn new(spec: &Spec) -> Self {
        let path = Path::of(&spec.uri);
        let name = if spec.name.is_empty() { path.name.as_str() } else { spec.name };
        let writes_version = matches!(spec.verb, "update") && !path.name.is_empty();
        Self {
            verb: spec.verb,
            uri: Template::of_uri(&spec.uri),
            next_uri: Template::of_uri(&spec.uri.replacen("?limit", "?continue=«continue»&limit", 1)),
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

/// A URI's parts; all empty for a non-resource request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Path {
    group: String,
    version: String,
    namespace: String,
    resource: String,
    name: String,
    subresource: String,
}

impl Path {
    fn of(uri: &str) -> Self {
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
        let part = |at: usize| rest.get(at).copied().unwrap_or("").to_owned();
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

    /// `"objectRef":{…},` in Go's order of fields.
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

/// The name in `fieldSelector=metadata.name=…`, which upstream takes for the object's.
fn selected_name(query: &str) -> String {
    let name = query.split_once("metadata.name%3D").map(|(_, rest)| rest.split(['&', '%']).next().unwrap_or(""));
    name.unwrap_or("").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_comes_apart_as_upstream_takes_it_apart() {
        let path = Path::of("/apis/apps/v1/namespaces/«ns»/deployments/«app»/scale");
        assert_eq!(
            path.object_ref(&path.name, true),
            r#""objectRef":{"resource":"deployments","namespace":"«ns»","name":"«app»","apiGroup":"apps","apiVersion":"v1","resourceVersion":"«rv»","subresource":"scale"},"#
        );
        let node = Path::of("/api/v1/nodes?fieldSelector=metadata.name%3D«node»&watch=true");
        assert_eq!((node.resource.as_str(), node.name.as_str()), ("nodes", "«node»"));
        assert_eq!(Path::of("/api/v1/namespaces/«ns»").resource, "namespaces");
        for uri in ["/metrics", "/api?timeout=32s", "/apis/apps/v1?timeout=32s", "/openapi/v3"] {
            assert_eq!(Path::of(uri), Path::default(), "{uri}");
        }
    }
}
