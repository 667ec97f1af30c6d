-- inflight: how many requests were in flight over time, by verb and resource: peak and mean per bucket of time.
-- grain:  bucket_at, apiserver, verb, api_group, resource, subresource
-- reads:  requests
-- params: $bucket_secs secs = 10, length of a bucket; buckets start at whole multiples of it since 1970
-- why:    An exact sweep: +1 when a request is received, -1 when it completes; the running sum is the number in
--         flight from one change to the next. A request is in flight over [received, completed): at one instant ends
--         count before starts (the window's frame takes all changes of an instant together), and a request that ends
--         in the microsecond it was received in never counts. Each stretch between two changes is then laid into
--         every bucket it meets, so a bucket in which nothing changes still has its row; no row means nothing in
--         flight. It costs two narrow rows of integers per request, sorted, plus one per series and bucket: hence the
--         numbers in place of names, as sorting and carrying the names takes many times longer.
--         A request without an end is in flight to the end of its apiserver's log, for want of better: after a kill
--         that is too long, and open_inflight_count says how many may be such ghosts. One that the log doesn't hold
--         (RequestReceived omitted, no end) can't be counted, and buckets before the log's first line hold only what
--         was still running then: both are too low. The mean is over the part of the bucket between the log's first
--         receipt and its last line; null if that is no longer than an instant.
--         A stretch without a change is laid into 100,000 buckets at most: one request stamped 1970, by a server without
--         a clock, would else be laid into millions.
with grouped as (
    select
        apiserver,
        verb,
        api_group,
        resource,
        subresource,
        min(received_at) as first_received_at,
        greatest(max(received_at), max(started_at), max(completed_at)) as last_logged_at
    from requests
    where received_at is not null
    group by apiserver, verb, api_group, resource, subresource
),
series as (
    select
        apiserver,
        verb,
        api_group,
        resource,
        subresource,
        row_number() over (order by apiserver, verb, api_group, resource, subresource) as series_number,
        cast(min(first_received_at) over (partition by apiserver) as bigint) as log_from_micros,
        cast(max(last_logged_at) over (partition by apiserver) as bigint) as log_to_micros,
        cast($bucket_secs * 1e6 as bigint) as bucket_micros
    from grouped
),
intervals as (
    select
        series_number,
        log_from_micros,
        log_to_micros,
        bucket_micros,
        cast(received_at as bigint) as from_micros,
        cast(case when completed_at >= received_at then completed_at else received_at end as bigint) as to_micros,
        outcome = 'open' as is_open
    from series
    inner join requests
        on (requests.apiserver is not distinct from series.apiserver)
        and (requests.verb is not distinct from series.verb)
        and (requests.api_group is not distinct from series.api_group)
        and (requests.resource is not distinct from series.resource)
        and (requests.subresource is not distinct from series.subresource)
    where received_at is not null
),
changes as (
    select
        series_number,
        log_from_micros,
        log_to_micros,
        bucket_micros,
        case when inflight_change = 1 then from_micros else to_micros end as at_micros,
        inflight_change,
        case when is_open then 1 else 0 end as open_change
    from intervals
    cross join (values (1), (-1)) as ends (inflight_change)
    where inflight_change = 1 or not is_open
),
stretches as (
    select
        series_number,
        log_from_micros,
        log_to_micros,
        bucket_micros,
        at_micros,
        coalesce(lead(at_micros) over by_time, log_to_micros) as until_micros,
        inflight_change,
        sum(inflight_change) over by_time as inflight_count,
        sum(open_change) over by_time as open_count
    from changes
    window by_time as (partition by series_number order by at_micros)
),
placed as (
    select
        *,
        at_micros / bucket_micros as first_bucket,
        least(
            at_micros / bucket_micros + 99999,
            case
                when inflight_count = 0 then at_micros / bucket_micros
                else greatest(at_micros, until_micros - 1) / bucket_micros
            end
        ) as last_bucket
    from stretches
),
pieces as (
    select
        *,
        unnest(generate_series(first_bucket, last_bucket)) as bucket
    from placed
),
summed as (
    select
        series_number,
        bucket,
        max(inflight_count) as peak_inflight_count,
        max(open_count) as open_inflight_count,
        count(*) filter (where bucket = first_bucket and inflight_change = 1) as received_count,
        count(*) filter (where bucket = first_bucket and inflight_change = -1) as ended_count,
        sum(
            inflight_count
            * (least(until_micros, (bucket + 1) * bucket_micros) - greatest(at_micros, bucket * bucket_micros))
        ) as inflight_micros,
        min(least(log_to_micros, (bucket + 1) * bucket_micros) - greatest(log_from_micros, bucket * bucket_micros))
            as covered_micros
    from pieces
    group by series_number, bucket
)
select
    arrow_cast(bucket * bucket_micros, 'Timestamp(Microsecond, Some("UTC"))') as bucket_at,
    apiserver,
    verb,
    api_group,
    resource,
    subresource,
    peak_inflight_count,
    1.0 * inflight_micros / nullif(covered_micros, 0) as mean_inflight_count,
    open_inflight_count,
    received_count,
    ended_count
from series
inner join summed on summed.series_number = series.series_number
order by bucket_at, apiserver, verb, api_group, resource, subresource;
