//! FlowSchemas and PriorityLevelConfigurations read from YAML or JSON: manifests to apply, and dumps from `kubectl get
//! -o yaml` and `-o json`.
//!
//! Text is read as strictly as the server validates fields (`fieldValidation=Strict`), and then defaulted as the server
//! does. All problems are reported at once, each with its line. An object that can't be represented is omitted; one
//! that can, but that the server would reject, is kept and reported by `validate`.
//!
//! All older API versions are read. They differ in the name of `nominalConcurrencyShares`, and in the meaning of 0
//! shares.

mod node;
mod object;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use super::{ApiVersion, Config};
use node::{Node, Value};

pub(super) use node::TEMPLATE;
pub(super) use object::{PRESERVE_ZERO, preserves_zero, shares_field};

/// The API group of FlowSchemas and PriorityLevelConfigurations.
const GROUP: &str = "flowcontrol.apiserver.k8s.io";

/// What was read from a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    /// The objects that could be read, in their order; the same name may occur twice.
    pub config: Config,
    /// All that is wrong with the text, from top to bottom within each object.
    pub problems: Vec<Problem>,
    /// Objects that were ignored or read differently than written.
    pub notes: Vec<ManifestNote>,
}

impl Manifest {
    /// Reads a text; the file is only named in messages. A text that has no object of the group is no problem: then
    /// the config is empty, and the notes say what there is instead.
    pub fn read(text: &str, file: Option<&str>) -> Self {
        let mut reader = ManifestReader { file: file.map(Arc::from), manifest: Self::default() };
        for document in node::documents(text) {
            match document {
                Ok(node) => reader.document(node),
                Err(error) => reader.problem("", "", error.line, error.message),
            }
        }
        reader.manifest
    }
}

/// One thing that is wrong with an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Kind and name, as in `FlowSchema restrict-pod-list`; empty where the text is no object.
    pub object: String,
    /// The path of the field, as in `spec.rules[0].resourceRules[0].verbs`; empty where it is about the whole.
    pub field: String,
    /// The file; `None` where there is none.
    pub file: Option<Arc<str>>,
    /// The line in it, from 1; `None` where it is not known.
    pub line: Option<u64>,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_place(f, self.file.as_deref(), self.line)?;
        for part in [&self.object, &self.field] {
            if !part.is_empty() {
                write!(f, "{part}: ")?;
            }
        }
        f.write_str(&self.message)
    }
}

/// Something worth knowing of what was read, that is no mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestNote {
    /// The file; `None` where there is none.
    pub file: Option<Arc<str>>,
    /// The line in it, from 1.
    pub line: u64,
    /// What there is to know.
    pub message: String,
}

impl fmt::Display for ManifestNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_place(f, self.file.as_deref(), Some(self.line))?;
        f.write_str(&self.message)
    }
}

fn write_place(f: &mut fmt::Formatter<'_>, file: Option<&str>, line: Option<u64>) -> fmt::Result {
    match (file, line) {
        (Some(file), Some(line)) => write!(f, "{file}:{line}: "),
        (Some(file), None) => write!(f, "{file}: "),
        (None, Some(line)) => write!(f, "line {line}: "),
        (None, None) => Ok(()),
    }
}

/// The two kinds of the group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    FlowSchema,
    PriorityLevelConfiguration,
}

impl Kind {
    const ALL: [Self; 2] = [Self::FlowSchema, Self::PriorityLevelConfiguration];

    const fn name(self) -> &'static str {
        match self {
            Self::FlowSchema => "FlowSchema",
            Self::PriorityLevelConfiguration => "PriorityLevelConfiguration",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

struct ManifestReader {
    file: Option<Arc<str>>,
    manifest: Manifest,
}

impl ManifestReader {
    fn document(&mut self, node: Node) {
        match node.value {
            Value::List(items) => items.into_iter().for_each(|item| self.document(item)),
            Value::Map(_) => self.object(node, None),
            _ => self.problem("", "", Some(node.line), format!("expected an object, got {}", node.name())),
        }
    }

    /// Reads an object; items of a typed list get kind and version from it.
    fn object(&mut self, node: Node, of_list: Option<(Kind, ApiVersion)>) {
        let line = node.line;
        let kind = node.text("kind").map(str::to_owned);
        let api_version = node.text("apiVersion").map(str::to_owned);
        let (Some(kind), api_version) = (kind.or_else(|| of_list.map(|(kind, _)| kind.name().to_owned())), api_version)
        else {
            let message = "must be given: without it this is not a Kubernetes object".to_owned();
            return self.problem("", "kind", Some(line), message);
        };
        if kind == "List" {
            return self.items(node, None);
        }
        let Some(api_version) =
            api_version.or_else(|| of_list.map(|(_, version)| format!("{GROUP}/{}", version.name())))
        else {
            return self.problem(&kind, "apiVersion", Some(line), "must be given".to_owned());
        };
        let Some(version) = api_version.strip_prefix(GROUP).and_then(|rest| rest.strip_prefix('/')) else {
            let name = node.field("metadata").and_then(|metadata| metadata.text("name"));
            let name = name.map(|name| format!(" {name}")).unwrap_or_default();
            return self.note(line, format!("{kind}{name} ({api_version}) is ignored"));
        };
        let Some(version) = ApiVersion::ALL.into_iter().find(|known| known.name() == version) else {
            let versions = ApiVersion::ALL.map(ApiVersion::name).join(", ");
            let message = format!("{GROUP} has no version {version}; there are {versions}");
            return self.problem(&kind, "apiVersion", Some(line), message);
        };
        if let Some(kind) = Kind::named(&kind) {
            self.apf_object(node, kind, version);
        } else if let Some(kind) = kind.strip_suffix("List").and_then(Kind::named) {
            self.items(node, Some((kind, version)));
        } else {
            let message = format!("{GROUP} has no such kind; there are {}", Kind::ALL.map(Kind::name).join(" and "));
            self.problem(&kind, "kind", Some(line), message);
        }
    }

    fn items(&mut self, node: Node, of_list: Option<(Kind, ApiVersion)>) {
        let Value::Map(entries) = node.value else { return };
        for entry in entries.into_iter().filter(|entry| entry.key == "items") {
            match entry.node.value {
                Value::List(items) => {
                    for item in items {
                        match item.value {
                            Value::Map(_) => self.object(item, of_list),
                            _ => self.document(item),
                        }
                    }
                }
                Value::Null => {}
                _ => self.problem("", "items", Some(entry.line), "must be a list".to_owned()),
            }
        }
    }

    fn apf_object(&mut self, node: Node, kind: Kind, version: ApiVersion) {
        let (line, file) = (node.line, self.file.clone());
        let read = object::read(node, kind, version, file);
        if let Some(removed_in) = version.removed_in() {
            let renamed = match kind {
                Kind::PriorityLevelConfiguration if shares_field(version) != shares_field(ApiVersion::V1) => {
                    format!("; {} is read as {}", shares_field(version), shares_field(ApiVersion::V1))
                }
                _ => String::new(),
            };
            let is_zero = read.priority_level.as_ref().is_some_and(|level| level.location.has_zero_for_default);
            let zero = if is_zero { "; in it, 0 shares mean the default of 30, in v1 none" } else { "" };
            let name = version.name();
            let served = format!("{GROUP}/{name} was removed in Kubernetes {removed_in}");
            self.note(line, format!("{}: {served}{renamed}{zero}", read.object));
        }
        for message in read.notes {
            self.note(line, message);
        }
        self.manifest.problems.extend(read.problems);
        self.manifest.config.flow_schemas.extend(read.flow_schema);
        self.manifest.config.priority_levels.extend(read.priority_level);
    }

    fn problem(&mut self, object: &str, field: &str, line: Option<u64>, message: String) {
        let (object, field) = (object.to_owned(), field.to_owned());
        self.manifest.problems.push(Problem { object, field, file: self.file.clone(), line, message });
    }

    fn note(&mut self, line: u64, message: String) {
        self.manifest.notes.push(ManifestNote { file: self.file.clone(), line, message });
    }
}
