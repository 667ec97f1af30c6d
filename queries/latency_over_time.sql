-- latency_over_time: how long each client's requests took over time: mean, median, p99 and longest per bucket of time.
-- grain:  bucket_at, user_name, user_agent
-- reads:  requests
-- params: $bucket_secs secs = 10, length of a bucket; buckets start at whole multiples of it since 1970
-- why:    A request is laid into the bucket it was received in, where its latency began; so a bucket shows what was
--         sent then, and its slow ones end later. Watches and long-running subresources are left out: their duration
--         is a life. No row means nothing was received. Open requests count, but have no duration, so the buckets
--         before a log's end, or a kill, look faster than they were: see open_count.
--         A client whose requests fail fast looks fast: see failed_count. The percentiles are exact, and the mean is
--         summed in whole microseconds: the same on any thread count.
with received as (
    select
        user_name,
        user_agent,
        outcome,
        code,
        duration_secs,
        cast(completed_at as bigint) - cast(received_at as bigint) as duration_micros,
        cast(received_at as bigint) / cast($bucket_secs * 1e6 as bigint) * cast($bucket_secs * 1e6 as bigint)
            as bucket_micros
    from requests
    where received_at is not null
        and verb not in ('watch', 'proxy')
        and coalesce(subresource not in ('attach', 'exec', 'log', 'portforward', 'proxy'), true)
        and not starts_with(request_uri, '/debug/pprof/')
),
summed as (
    select
        bucket_micros,
        user_name,
        user_agent,
        count(*) as request_count,
        count(*) filter (where outcome = 'open') as open_count,
        count(*) filter (where code >= 400) as failed_count,
        sum(duration_micros) / 1e6 / count(duration_micros) as mean_duration_secs,
        percentile_cont(0.5) within group (order by duration_secs) as p50_duration_secs,
        percentile_cont(0.99) within group (order by duration_secs) as p99_duration_secs,
        max(duration_secs) as max_duration_secs
    from received
    group by bucket_micros, user_name, user_agent
)
select
    arrow_cast(bucket_micros, 'Timestamp(Microsecond, Some("UTC"))') as bucket_at,
    user_name,
    user_agent,
    request_count,
    open_count,
    failed_count,
    mean_duration_secs,
    p50_duration_secs,
    p99_duration_secs,
    max_duration_secs
from summed
order by bucket_at, user_name, user_agent;
