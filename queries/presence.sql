-- presence: how much of the traffic that every cluster has is in the log.
-- grain:  apiserver
-- reads:  requests
-- why:    A policy that drops a class of requests leaves nothing to count, so only the absence of what no cluster is
--         without can show it: kubelets renew leases and watch pods, something is listed, something is written. A zero
--         says that the policy, or whoever cut the log, dropped the class, or that the log is too short to hold it.
--         read_resources are those that are listed or watched: of what every cluster reads, none may be missing.
--         own_read_count is of the server's own, which show its starts.
--         server_user_agent is what the apiserver's own client calls itself: it tells the server's version.
select
    apiserver,
    count(*) as request_count,
    count(*) filter (where outcome = 'open') as open_count,
    count(*) filter (where outcome in ('complete', 'panic')) as complete_count,
    count(*) filter (where verb = 'list') as list_count,
    count(*) filter (where list_kind = 'watch_list') as watch_list_count,
    count(*) filter (where verb = 'watch') as watch_count,
    count(*) filter (where verb = 'watch' and started_at is not null) as started_watch_count,
    count(*) filter (where verb = 'get' and resource is not null) as get_count,
    count(*) filter (where verb in ('create', 'update', 'patch', 'delete', 'deletecollection')) as write_count,
    count(*) filter (where resource is null) as non_resource_count,
    count(*) filter (where resource = 'leases') as lease_count,
    count(*) filter (where resource = 'events') as event_count,
    count(*) filter (where starts_with(user_name, 'system:node:')) as node_count,
    count(*) filter (where starts_with(user_name, 'system:serviceaccount:')) as service_account_count,
    count(*) filter (where user_name = 'system:apiserver' and verb in ('list', 'watch')) as own_read_count,
    count(*) filter (where is_startup) as startup_count,
    count(*) filter (where code = 401) as unauthorized_count,
    count(*) filter (where is_truncated) as truncated_count,
    count(response_bytes) as response_body_count,
    count(*) filter (where outcome = 'complete' and verb <> 'watch' and duration_secs > 0.5) as slow_count,
    count(*) filter (where outcome = 'complete' and verb <> 'watch' and duration_secs > 0.5 and latency_total_secs is not null)
        as slow_annotated_count,
    array_agg(distinct arrow_cast(concat_ws('.', resource, nullif(api_group, '')), 'Utf8'))
        filter (where verb in ('list', 'watch') and resource is not null) as read_resources,
    max(user_agent) filter (where user_name = 'system:apiserver' and starts_with(user_agent, 'kube-apiserver/v'))
        as server_user_agent
from requests
group by apiserver
order by apiserver;
