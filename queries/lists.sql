-- lists: every LIST in the log, watch-lists included: who asked for what, when, how, and for how long.
-- grain:  apiserver, audit_id, received_at
-- reads:  requests
-- why:    A modern client opens a watch with sendInitialEvents instead of a LIST: looked for under verb `list` alone,
--         a storm of them is missed. The duration of a watch_list is the whole watch's life, and setup_secs the time
--         until its response began; when its initial events were through, no log says.
--         resourceVersion=0 makes the watch cache ignore the limit: `reflector` and `cached` return everything.
--         From 60 s on, the client has seen a 504, whatever the code here.
select
    received_at,
    completed_at,
    duration_secs,
    (cast(started_at as bigint) - cast(received_at as bigint)) / 1e6 as setup_secs,
    apiserver,
    audit_id,
    user_name,
    user_agent,
    source_ip,
    pod_name,
    node_name,
    verb,
    api_group,
    resource,
    namespace,
    name,
    scope,
    list_kind,
    "limit",
    has_continue,
    resource_version,
    resource_version_match,
    label_selector,
    field_selector,
    outcome,
    code,
    reason,
    response_bytes,
    latency_apf_queue_wait_secs,
    latency_etcd_secs,
    latency_response_write_secs,
    source_file,
    source_line
from requests
where list_kind is not null
order by received_at, apiserver, audit_id, source_file, source_line;

