-- open_requests: the requests that have no end in the log, and how old they were when it ended, suspects first.
-- grain:  apiserver, audit_id, received_at
-- reads:  requests
-- why:    What was in flight when the log, or the server, ended. Watches are expected here; a LIST is the strongest
--         suspect there is, so what isn't long-running comes first, then the oldest.
--         The age runs to the last line of the same apiserver's log. If that server was killed and came back, the
--         request ended at the kill: its age is then too high, and its end is not in the log.
--         A policy that omits RequestReceived leaves no line of an ordinary request in flight: an empty answer proves
--         nothing (see coverage).
with unfinished as (
    select
        apiserver,
        audit_id,
        received_at,
        started_at,
        last_stage,
        user_name,
        user_agent,
        source_ip,
        pod_name,
        node_name,
        verb,
        request_uri,
        api_group,
        resource,
        subresource,
        namespace,
        name,
        scope,
        list_kind,
        source_file,
        source_line,
        coalesce(verb in ('watch', 'proxy'), false)
            or coalesce(subresource in ('attach', 'exec', 'log', 'portforward', 'proxy'), false)
            or starts_with(request_uri, '/debug/pprof/') as is_long_running
    from requests
    where outcome = 'open'
),
logs as (
    select
        apiserver,
        greatest(max(received_at), max(started_at), max(completed_at)) as log_ended_at
    from requests
    group by apiserver
)
select
    unfinished.apiserver,
    audit_id,
    received_at,
    started_at,
    last_stage,
    log_ended_at,
    (cast(log_ended_at as bigint) - cast(received_at as bigint)) / 1e6 as age_secs,
    is_long_running,
    user_name,
    user_agent,
    source_ip,
    pod_name,
    node_name,
    verb,
    request_uri,
    api_group,
    resource,
    subresource,
    namespace,
    name,
    scope,
    list_kind,
    source_file,
    source_line
from logs
inner join unfinished on unfinished.apiserver is not distinct from logs.apiserver
order by is_long_running, age_secs desc nulls last, apiserver, audit_id, received_at, source_file, source_line;
