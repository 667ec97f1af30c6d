-- client_activity: what each client asked of each apiserver over time, and how that went.
-- grain:  apiserver, bucket_at, caller_key, flow_key
-- reads:  requests
-- kept:   Servers, clients, priority levels and weeks are summed up from these rows; the log they came from is read once.
-- params: $activity_secs secs = 10, length of a bucket; buckets start at whole multiples of it since 1970
--         $no_wait_secs secs = 0.5, a wait below this is none; the server logs waits only of requests over 0.5 s
-- why:    A request is laid into the bucket it was received in. took_count, *_late_count and over_1_secs_count are of finished
--         requests other than watches and what else lasts as long as its client likes, and not of what was refused (429 of
--         API Priority and Fairness, which come without a reason), as a fast refusal would flatter them. An objective is
--         1 s for one object and for writes, 5 s for a namespace, 30 s for all of a cluster (upstream's SLOs).
--         Seats are held from the end of the wait to the end of the request, by a watch to the start of its response:
--         held_micros. Waits of watches are never logged, so sure_held_micros leaves watches out. Watch-lists are
--         watches that begin with a list. created_count and deleted_count are of whole objects. Durations are in whole
--         microseconds, so that sums are the same on any thread count.
with sorted as (
    select
        apiserver,
        cast(received_at as bigint) / cast($activity_secs * 1e6 as bigint) as bucket,
        caller_key,
        flow_key,
        verb = 'list' as is_list,
        verb = 'watch' as is_watch,
        verb = 'create' as is_create,
        verb = 'delete' as is_delete,
        verb in ('create', 'update', 'patch', 'delete', 'deletecollection') as is_write,
        list_kind = 'watch_list' as is_watch_list,
        scope,
        code,
        outcome = 'open' as is_open,
        subresource is null as is_whole,
        coalesce(code = 429 and reason is null, false) as is_rejected,
        cast(received_at as bigint) as received_micros,
        cast(started_at as bigint) as started_micros,
        cast(round(latency_apf_queue_wait_secs * 1e6) as bigint) as wait_micros,
        case
            when
                outcome = 'complete'
                and verb not in ('watch', 'proxy')
                and (subresource is null or subresource not in ('attach', 'exec', 'log', 'portforward', 'proxy'))
                then cast(completed_at as bigint) - cast(received_at as bigint)
        end as took_micros
    from requests
    where received_at is not null
)
select
    apiserver,
    arrow_cast(bucket * cast($activity_secs * 1e6 as bigint), 'Timestamp(Microsecond, Some("UTC"))') as bucket_at,
    caller_key,
    flow_key,
    count(*) as request_count,
    count(*) filter (where is_list) as list_count,
    count(*) filter (where is_watch) as watch_count,
    count(*) filter (where is_watch_list) as watch_list_count,
    count(*) filter (where is_write) as write_count,
    count(*) filter (where is_create and is_whole and code < 300) as created_count,
    count(*) filter (where is_delete and is_whole and code < 300) as deleted_count,
    count(*) filter (where is_rejected) as rejected_count,
    count(*) filter (where code >= 500) as error_count,
    count(*) filter (where is_open and not is_watch) as open_count,
    count(took_micros) filter (where not is_rejected) as took_count,
    count(took_micros) filter (where (is_write or scope = 'object') and not is_rejected) as object_took_count,
    count(took_micros) filter (where not is_write and scope = 'namespace' and not is_rejected) as namespace_took_count,
    count(took_micros) filter (where not is_write and scope = 'cluster' and not is_rejected) as cluster_took_count,
    count(*) filter (where (is_write or scope = 'object') and took_micros > 1000000 and not is_rejected)
        as object_late_count,
    count(*) filter (where not is_write and scope = 'namespace' and took_micros > 5000000 and not is_rejected)
        as namespace_late_count,
    count(*) filter (where not is_write and scope = 'cluster' and took_micros > 30000000 and not is_rejected)
        as cluster_late_count,
    count(*) filter (where took_micros > 1000000) as over_1_secs_count,
    coalesce(sum(took_micros), 0) as took_micros,
    max(took_micros) as longest_micros,
    count(*) filter (where wait_micros >= $no_wait_secs * 1e6) as waited_count,
    coalesce(sum(wait_micros) filter (where wait_micros >= $no_wait_secs * 1e6), 0) as wait_micros,
    coalesce(
        sum(
            case
                when is_rejected then 0
                when is_watch then started_micros - received_micros
                else took_micros - coalesce(wait_micros, 0)
            end
        ), 0
    ) as held_micros,
    coalesce(sum(case when not is_watch and not is_rejected then took_micros - coalesce(wait_micros, 0) end), 0)
        as sure_held_micros
from sorted
group by apiserver, bucket, caller_key, flow_key
order by apiserver, bucket_at, caller_key, flow_key;
