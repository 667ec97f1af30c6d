-- list_kinds_by_client: how each client lists: from the cache, in pages, in full, or as a watch-list.
-- grain:  user_name, user_agent, list_kind
-- reads:  requests
-- why:    full, cached and reflector return the whole collection in one answer: the watch cache ignores the limit at
--         resourceVersion=0. No durations here: a watch_list's is a life, the others' are latencies (see slow_lists).
--         A resource is counted with its group: events of the core group and of events.k8s.io are two.
--         source_ip_count is the number of last hops, so roughly of instances; a proxy or NAT in between hides some.
with listed as (
    select
        user_name,
        user_agent,
        list_kind,
        concat_ws('/', api_group, resource) as group_resource,
        source_ip,
        scope,
        outcome,
        code,
        received_at
    from requests
    where list_kind is not null
),
counted as (
    select
        user_name,
        user_agent,
        list_kind,
        count(*) as list_count,
        count(*) filter (where scope = 'cluster') as cluster_scope_count,
        count(*) filter (where code >= 400) as failed_count,
        count(*) filter (where outcome = 'open') as open_count,
        count(distinct group_resource) as resource_count,
        count(distinct source_ip) as source_ip_count,
        min(received_at) as first_received_at,
        max(received_at) as last_received_at
    from listed
    group by user_name, user_agent, list_kind
)
select
    user_name,
    user_agent,
    list_kind,
    list_count,
    1.0 * list_count / sum(list_count) over (partition by user_name, user_agent) as client_share,
    cluster_scope_count,
    failed_count,
    open_count,
    resource_count,
    source_ip_count,
    first_received_at,
    last_received_at
from counted
order by list_count desc, user_name, user_agent, list_kind;
