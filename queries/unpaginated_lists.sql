-- unpaginated_lists: LISTs that ask for a whole collection in one response, by client and resource, most time first.
-- grain:  user_name, user_agent, api_group, resource, scope, list_kind
-- reads:  requests
-- why:    No page, no selector: the server holds the whole collection, often several times over, for as long as the
--         answer takes; of the cluster's pods that is the most expensive request there is. By list_kind:
--         full       the most recent state: a quorum read, from etcd in servers before 1.31
--         cached     resourceVersion=0, from the watch cache
--         reflector  the same with a limit, which the watch cache ignores: unpaginated in effect (is_limit_ignored)
--         relist     from the watch cache once it is as new as a version: how informers begin again
--         exact      as of an exact version, without a limit
--         Watch-lists are left out: they send the collection object by object. So are selectors, which make the
--         answer smaller but not what etcd has to read (see list_reads). Where the watch cache is off (events, by
--         default) the limit of a reflector counts after all. A LIST that reached 60 s was a 504 to its client,
--         whatever its code: see timed_out_count. An open LIST has no duration, and was in flight when the log ended;
--         that of the others includes their wait for a seat (see apf_waits).
with listed as (
    select
        user_name,
        user_agent,
        source_ip,
        api_group,
        resource,
        namespace,
        scope,
        list_kind,
        received_at,
        outcome,
        code,
        duration_secs,
        cast(completed_at as bigint) - cast(received_at as bigint) as duration_micros
    from requests
    where (
            list_kind in ('full', 'cached', 'reflector')
            or list_kind in ('relist', 'exact') and coalesce("limit", 0) <= 0
        )
        and label_selector is null
        and field_selector is null
)
select
    user_name,
    user_agent,
    api_group,
    resource,
    scope,
    list_kind,
    list_kind = 'full' as is_quorum_read,
    list_kind = 'reflector' as is_limit_ignored,
    count(*) as list_count,
    count(*) filter (where outcome = 'open') as open_count,
    count(*) filter (where code >= 400) as failed_count,
    count(*) filter (where duration_secs >= 60) as timed_out_count,
    count(distinct namespace) as namespace_count,
    count(distinct source_ip) as source_ip_count,
    sum(duration_micros) / 1e6 as total_duration_secs,
    sum(duration_micros) / 1e6 / count(duration_micros) as mean_duration_secs,
    percentile_cont(0.99) within group (order by duration_secs) as p99_duration_secs,
    max(duration_secs) as max_duration_secs,
    min(received_at) as first_received_at,
    max(received_at) as last_received_at
from listed
group by user_name, user_agent, api_group, resource, scope, list_kind
order by
    total_duration_secs desc nulls last,
    list_count desc,
    user_name,
    user_agent,
    api_group,
    resource,
    scope,
    list_kind;
