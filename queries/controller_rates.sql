-- controller_rates: the request rate of each controller of kube-controller-manager, against its client-side limit.
-- grain:  user_name, user_agent
-- reads:  requests
-- params: $bucket_secs secs = 10, length of a bucket; buckets start at whole multiples of it since 1970
--         $client_limit_rps rps = 20, what each controller's client allows itself: --kube-api-qps
-- why:    Each controller has a client, and so a token bucket, of its own; its user agent ends in its name. Above the
--         limit requests wait inside the controller, where no log of the server sees them: all it shows is a rate
--         that goes no higher. The bucket's burst (30) is spent in seconds, so a busiest second over the limit means
--         little; peak_rps is of the busiest bucket, and is_near_limit says it reached nine tenths of the limit.
--         Leases, discovery and other non-resource requests, and watches are left out, as they come from other
--         clients or last. The mean is over the whole log. Programs with other binaries (k3s) count by their
--         controllers' names alone; the user agent is only a claim.
with marked as (
    select
        received_at,
        coalesce(started_at, completed_at, received_at) as logged_at,
        coalesce(completed_at, started_at, received_at) as ended_at,
        user_name,
        user_agent,
        coalesce(
            is_resource_request
            and verb <> 'watch'
            and resource <> 'leases'
            and received_at is not null
            and (
                starts_with(user_agent, 'kube-controller-manager/')
                or user_agent like '%/system:serviceaccount:kube-system:%'
            ),
            false
        ) as is_counted
    from requests
),
keyed as (
    select
        is_counted,
        case when is_counted then user_name end as user_name,
        case when is_counted then user_agent end as user_agent,
        case when is_counted then cast(received_at as bigint) / 1000000 end as at_second,
        case when is_counted then cast(received_at as bigint) / cast($bucket_secs * 1e6 as bigint) end as bucket,
        logged_at,
        ended_at
    from marked
),
seconds as (
    select
        is_counted,
        user_name,
        user_agent,
        bucket,
        count(*) as request_count,
        min(logged_at) as first_logged_at,
        max(ended_at) as last_logged_at
    from keyed
    group by is_counted, user_name, user_agent, bucket, at_second
),
buckets as (
    select
        is_counted,
        user_name,
        user_agent,
        sum(request_count) as request_count,
        max(request_count) as peak_second_count,
        min(first_logged_at) as first_logged_at,
        max(last_logged_at) as last_logged_at
    from seconds
    group by is_counted, user_name, user_agent, bucket
),
controllers as (
    select
        is_counted,
        user_name,
        user_agent,
        sum(request_count) as request_count,
        max(request_count) / cast($bucket_secs as double) as peak_rps,
        max(peak_second_count) as peak_second_count,
        count(*) filter (where request_count / cast($bucket_secs as double) >= 0.9 * $client_limit_rps)
            as near_limit_bucket_count,
        min(first_logged_at) as first_logged_at,
        max(last_logged_at) as last_logged_at
    from buckets
    group by is_counted, user_name, user_agent
),
spanned as (
    select
        *,
        nullif(
            cast(max(last_logged_at) over () as bigint) - cast(min(first_logged_at) over () as bigint), 0
        ) / 1e6 as log_secs
    from controllers
)
select
    user_name,
    user_agent,
    case
        when user_agent like '%/system:serviceaccount:%' then split_part(user_agent, ':', -1)
        else nullif(split_part(split_part(user_agent, ' kubernetes/', 2), '/', 2), '')
    end as controller,
    request_count,
    request_count / log_secs as mean_rps,
    peak_rps,
    cast(peak_second_count as double) as peak_second_rps,
    near_limit_bucket_count > 0 as is_near_limit,
    near_limit_bucket_count
from spanned
where is_counted
order by peak_rps desc, request_count desc, user_name, user_agent;
