-- client_activity: what each client requested from each apiserver over time, and how its requests were served.
-- grain:  apiserver, bucket_at, caller_key, flow_key
-- reads:  requests
-- for:    other queries
-- kept:   Servers, clients, priority levels and weeks are summed up from these rows; the log they came from is read once.
-- params: $activity_secs secs = 10, length of a bucket; buckets start at whole multiples of it since 1970, and
--         activity_shift_micros later
--         $activity_shift_micros micros = 0, from 0 to less than a bucket: makes a bucket end where a server did
--         $no_wait_secs secs = 0.5, a wait below this is none; the server logs waits only of requests over 0.5 s
-- why:    A request is laid into the bucket it was received in. took_count, took_micros, longest_micros, *_late_count and
--         over_1_secs_count are of finished requests other than watches and what else lasts as long as its client likes,
--         and not of what was refused (429 of API Priority and Fairness, which come without a reason), as a fast refusal
--         would flatter them. An objective is 1 s for one object and for writes, 5 s for a namespace, 30 s for all of a
--         cluster (upstream's SLOs). Seats are held from the end of the wait to the end of the request, by a watch to the
--         start of its response: held_micros. Waits of watches are never logged, so sure_held_micros leaves watches out.
--         Watch-lists are watches that begin with a list. created_count and deleted_count are of whole objects. Durations
--         are in whole microseconds, so that sums are the same on any thread count.
--         Verb, subresource, scope and whether it is a watch-list are the same for all of a flow_key, so what depends on
--         them is told once for each row, after the sums. Of two conditions the commoner stands first: where the first
--         is rare, DataFusion picks its rows out of all columns before it looks at the second.
with sent as (
    select
        apiserver,
        (cast(received_at as bigint) - $activity_shift_micros) / cast($activity_secs * 1e6 as bigint) as bucket,
        caller_key,
        flow_key,
        verb,
        subresource,
        scope,
        list_kind,
        code,
        outcome = 'open' as is_open,
        coalesce(reason is null and code = 429, false) as is_rejected,
        outcome = 'complete' and not coalesce(reason is null and code = 429, false) as is_served,
        cast(completed_at as bigint) - cast(received_at as bigint) as duration_micros,
        cast(started_at as bigint) - cast(received_at as bigint) as start_micros,
        cast(round(latency_apf_queue_wait_secs * 1e6) as bigint) as wait_micros
    from requests
    where received_at is not null
),
summed as (
    select
        apiserver,
        bucket,
        caller_key,
        flow_key,
        any_value(verb) as verb,
        any_value(subresource) as subresource,
        any_value(scope) as scope,
        any_value(list_kind) as list_kind,
        count(*) as request_count,
        count(*) filter (where code < 300) as success_count,
        count(*) filter (where is_rejected) as rejected_count,
        count(*) filter (where code >= 500) as error_count,
        count(*) filter (where is_open) as open_count,
        count(duration_micros) filter (where is_served) as took_count,
        count(*) filter (where is_served and duration_micros > 1000000) as over_1_secs_count,
        count(*) filter (where is_served and duration_micros > 5000000) as over_5_secs_count,
        count(*) filter (where is_served and duration_micros > 30000000) as over_30_secs_count,
        sum(duration_micros) filter (where is_served) as took_micros,
        max(duration_micros) filter (where is_served) as longest_micros,
        sum(start_micros) filter (where not is_rejected) as start_micros,
        sum(wait_micros) filter (where is_served) as served_wait_micros,
        count(*) filter (where wait_micros >= $no_wait_secs * 1e6) as waited_count,
        sum(wait_micros) filter (where wait_micros >= $no_wait_secs * 1e6) as wait_micros
    from sent
    group by apiserver, bucket, caller_key, flow_key
),
sorted as (
    select
        *,
        verb = 'watch' as is_watch,
        verb in ('create', 'update', 'patch', 'delete', 'deletecollection') as is_write,
        verb not in ('watch', 'proxy')
        and (subresource is null or subresource not in ('attach', 'exec', 'log', 'portforward', 'proxy')) as is_short
    from summed
),
judged as (
    select
        *,
        case when is_write and is_short then 'object' when is_short then scope end as objective,
        case when is_short then coalesce(took_micros - coalesce(served_wait_micros, 0), 0) else 0 end as sure_held_micros
    from sorted
)
select
    apiserver,
    arrow_cast(
        bucket * cast($activity_secs * 1e6 as bigint) + $activity_shift_micros, 'Timestamp(Microsecond, Some("UTC"))'
    ) as bucket_at,
    caller_key,
    flow_key,
    request_count,
    case when verb = 'list' then request_count else 0 end as list_count,
    case when is_watch then request_count else 0 end as watch_count,
    case when list_kind = 'watch_list' then request_count else 0 end as watch_list_count,
    case when is_write then request_count else 0 end as write_count,
    case when verb = 'create' and subresource is null then success_count else 0 end as created_count,
    case when verb = 'delete' and subresource is null then success_count else 0 end as deleted_count,
    rejected_count,
    error_count,
    case when is_watch then 0 else open_count end as open_count,
    case when is_short then took_count else 0 end as took_count,
    case when objective = 'object' then took_count else 0 end as object_took_count,
    case when objective = 'namespace' then took_count else 0 end as namespace_took_count,
    case when objective = 'cluster' then took_count else 0 end as cluster_took_count,
    case when objective = 'object' then over_1_secs_count else 0 end as object_late_count,
    case when objective = 'namespace' then over_5_secs_count else 0 end as namespace_late_count,
    case when objective = 'cluster' then over_30_secs_count else 0 end as cluster_late_count,
    case when is_short then over_1_secs_count else 0 end as over_1_secs_count,
    case when is_short then coalesce(took_micros, 0) else 0 end as took_micros,
    case when is_short then longest_micros end as longest_micros,
    waited_count,
    coalesce(wait_micros, 0) as wait_micros,
    case when is_watch then coalesce(start_micros, 0) else sure_held_micros end as held_micros,
    sure_held_micros
from judged;
