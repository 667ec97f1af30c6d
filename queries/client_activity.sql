-- client_activity: what each client asked of each apiserver over time, and how that went.
-- grain:  apiserver, bucket_at, caller_key
-- reads:  requests
-- kept:   Servers, clients and weeks are summed up from these rows; the log they came from is read once.
-- params: $activity_secs secs = 10, length of a bucket; buckets start at whole multiples of it since 1970
-- why:    A request is laid into the bucket it was received in. late_count and over_*_secs_count are of finished requests
--         other than watches and what else lasts as long as its client likes. An objective is 1 s for one object and for
--         writes, 5 s for a namespace, 30 s for all of a cluster (upstream's SLOs); late_count is how many missed their own.
--         A 429 without a reason is one of API Priority and Fairness. Watch-lists are watches that begin with a list.
--         An unfinished request has no end in the log. Durations are in whole microseconds, so that sums are the same on
--         any thread count.
with sorted as (
    select
        apiserver,
        cast(received_at as bigint) / cast($activity_secs * 1e6 as bigint) as bucket,
        caller_key,
        verb,
        list_kind,
        code,
        outcome,
        verb in ('create', 'update', 'patch', 'delete', 'deletecollection') as is_write,
        coalesce(code = 429 and reason is null, false) as is_rejected,
        case
            when verb in ('create', 'update', 'patch', 'delete', 'deletecollection') or scope = 'object' then 1000000
            when scope = 'namespace' then 5000000
            when scope = 'cluster' then 30000000
        end as objective_micros,
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
    count(*) as request_count,
    count(*) filter (where verb = 'list') as list_count,
    count(*) filter (where verb = 'watch') as watch_count,
    count(*) filter (where list_kind = 'watch_list') as watch_list_count,
    count(*) filter (where is_write) as write_count,
    count(*) filter (where is_rejected) as rejected_count,
    count(*) filter (where code >= 500) as error_count,
    count(*) filter (where outcome = 'open' and verb <> 'watch') as open_count,
    count(took_micros) filter (where not is_rejected) as took_count,
    count(*) filter (where took_micros > objective_micros and not is_rejected) as late_count,
    count(*) filter (where took_micros > 1000000) as over_1_secs_count,
    count(*) filter (where took_micros > 5000000) as over_5_secs_count,
    count(*) filter (where took_micros > 30000000) as over_30_secs_count,
    coalesce(sum(took_micros), 0) as took_micros,
    max(took_micros) as longest_micros
from sorted
group by apiserver, bucket, caller_key
order by apiserver, bucket_at, caller_key;
