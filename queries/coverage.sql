-- coverage: what the log contains, by apiserver and verb: its span, stages, levels and latency annotations.
-- grain:  apiserver, verb
-- reads:  requests
-- why:    An audit policy filters by verb, resource and user, so what is missing is missing by verb first. To read:
--         open_received_count  over 0: RequestReceived is logged, and an ordinary request in flight at a kill leaves
--                              a line; 0: it may be omitted, and then such a request leaves none
--         started_share        of watches: 1 if ResponseStarted is logged; 0: no 401s, setup times or open watches
--         latency_share        of the requests over 0.5 s other than watches, those with a latency annotation: near 1
--                              from Kubernetes 1.24 on, null if none was that slow
--         *_body_count         bodies, so sizes, are known only for these
--         A verb that isn't here was never logged, whatever the clients did.
with logged as (
    select
        apiserver,
        verb,
        user_name,
        user_agent,
        pod_name,
        level,
        outcome,
        last_stage,
        code,
        is_truncated,
        received_at,
        started_at,
        completed_at,
        request_bytes,
        response_bytes,
        latency_total_secs,
        latency_apf_queue_wait_secs,
        outcome = 'complete' and verb <> 'watch' and duration_secs > 0.5 as is_slow
    from requests
),
counted as (
    select
        apiserver,
        verb,
        min(received_at) as first_received_at,
        max(received_at) as last_received_at,
        greatest(max(received_at), max(started_at), max(completed_at)) as last_logged_at,
        count(*) as request_count,
        count(*) filter (where outcome = 'complete') as complete_count,
        count(*) filter (where outcome = 'open') as open_count,
        count(*) filter (where outcome = 'open' and last_stage = 'RequestReceived') as open_received_count,
        count(*) filter (where outcome = 'panic') as panic_count,
        count(started_at) as started_count,
        count(*) filter (where code = 401) as unauthorized_count,
        count(*) filter (where is_slow) as slow_count,
        count(*) filter (where is_slow and latency_total_secs is not null) as latency_count,
        count(*) filter (where is_slow and latency_apf_queue_wait_secs is not null) as apf_queue_wait_count,
        count(*) filter (where level = 'Metadata') as metadata_level_count,
        count(*) filter (where level = 'Request') as request_level_count,
        count(*) filter (where level = 'RequestResponse') as request_response_level_count,
        count(request_bytes) as request_body_count,
        count(response_bytes) as response_body_count,
        count(*) filter (where is_truncated) as truncated_count,
        count(*) filter (where user_agent is null) as no_user_agent_count,
        count(pod_name) as pod_name_count,
        count(distinct user_name) as user_count
    from logged
    group by apiserver, verb
)
select
    apiserver,
    verb,
    first_received_at,
    last_received_at,
    last_logged_at,
    request_count,
    complete_count,
    open_count,
    open_received_count,
    panic_count,
    1.0 * started_count / request_count as started_share,
    unauthorized_count,
    slow_count,
    1.0 * latency_count / nullif(slow_count, 0) as latency_share,
    1.0 * apf_queue_wait_count / nullif(slow_count, 0) as apf_queue_wait_share,
    metadata_level_count,
    request_level_count,
    request_response_level_count,
    request_body_count,
    response_body_count,
    truncated_count,
    no_user_agent_count,
    1.0 * pod_name_count / request_count as pod_name_share,
    user_count
from counted
order by apiserver, verb;
