//! Facts of the Kubernetes API that many stages need, each stated once: versions, users and groups, what a request is about,
//! list options, names of resources. Every stage may name this one; it names none.

mod identity;
mod list_options;
mod pretty;
mod query;
mod request_info;
mod resource;
mod version;

pub use identity::{
    KUBE_NODE_LEASE, KUBE_SYSTEM, NODE_USER_PREFIX, SERVICE_ACCOUNT_GROUP_PREFIX, SERVICE_ACCOUNT_USER_PREFIX,
    SYSTEM_ANONYMOUS, SYSTEM_APISERVER, SYSTEM_AUTHENTICATED, SYSTEM_KUBE_CONTROLLER_MANAGER, SYSTEM_KUBE_SCHEDULER,
    SYSTEM_MASTERS, SYSTEM_NODES, SYSTEM_SERVICE_ACCOUNTS, SYSTEM_UNAUTHENTICATED, ServiceAccount, implied_groups,
};
pub use list_options::{ListKind, ListOptions};
pub use pretty::is_pretty_printed;
pub use query::{NotAnInteger, QueryParameters, decode_path, is_true};
pub use request_info::{RequestInfo, Scope, is_long_running, is_resource_path};
pub use resource::{
    GroupResource, is_cluster_scoped, is_dns_label, is_dns_subdomain, resource_name, resource_with_subresource,
};
pub use version::{InvalidVersion, Version};
