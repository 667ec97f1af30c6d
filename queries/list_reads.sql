-- list_reads: the LISTs that succeeded, and whether the watch cache or etcd served them, as far as their kind shows.
-- grain:  user_name, user_agent, api_group, resource, namespace, list_kind, served_from
-- reads:  requests
-- why:    The log doesn't say who answered; the options do, with the server's version (presence tells it):
--         cache               resourceVersion=0, or a version without a limit, or a watch-list: in all versions
--         depends on version  etcd in old servers, the watch cache in new ones: the most recent state and its first
--                             page from the cache since 1.31; further pages and exact versions since 1.34, if they
--                             are recent; NotOlderThan with a limit since 1.31
--         etcd                events, of both groups, for which the watch cache is off by default
--         A namespace of null is all of them. A selector makes the answer smaller, not what etcd is asked for.
--         decoded_count counts LISTs with time logged for decoding what etcd returned: above 0 is proof of etcd, but
--         only servers from 1.30 on log it, for LISTs over 0.5 s. Time in etcd is no proof: since 1.31 a read from
--         the cache asks etcd how far it should be. What an aggregated server answers (metrics.k8s.io) has storage of
--         its own, and looks here like any other. A watch_list's duration is the watch's life, so it has none here.
with succeeded as (
    select
        user_name,
        user_agent,
        source_ip,
        api_group,
        resource,
        namespace,
        list_kind,
        received_at,
        latency_decode_secs,
        latency_etcd_secs,
        case
            when resource = 'events' and api_group in ('', 'events.k8s.io') then 'etcd'
            when list_kind in ('watch_list', 'reflector', 'cached') then 'cache'
            when resource_version = '0' then 'cache'
            when list_kind in ('relist', 'by_name') and resource_version is not null and coalesce("limit", 0) <= 0
                and coalesce(resource_version_match, '') <> 'Exact' and not has_continue then 'cache'
            else 'depends on version'
        end as served_from,
        case when list_kind <> 'watch_list' then duration_secs end as duration_secs,
        case
            when list_kind <> 'watch_list' then cast(completed_at as bigint) - cast(received_at as bigint)
        end as duration_micros
    from requests
    where list_kind is not null and code between 200 and 299
)
select
    user_name,
    user_agent,
    api_group,
    resource,
    namespace,
    list_kind,
    served_from,
    count(*) as list_count,
    count(distinct source_ip) as source_ip_count,
    sum(duration_micros) / 1e6 / count(duration_micros) as mean_duration_secs,
    percentile_cont(0.99) within group (order by duration_secs) as p99_duration_secs,
    max(duration_secs) as max_duration_secs,
    count(latency_decode_secs) as decoded_count,
    max(latency_etcd_secs) as max_etcd_secs,
    min(received_at) as first_received_at,
    max(received_at) as last_received_at
from succeeded
group by user_name, user_agent, api_group, resource, namespace, list_kind, served_from
order by list_count desc, user_name, user_agent, api_group, resource, namespace, list_kind, served_from;
