-- apf_waits: which clients waited in the queues of API Priority and Fairness, for how long, and which were rejected.
-- grain:  user_name, user_agent, verb, api_group, resource, subresource
-- reads:  requests
-- params: $no_wait_secs secs = 0.5, a wait below this is none; the server logs waits only of requests over 0.5 s
-- why:    How many seats were free is only in metrics; the log shows what their lack did. wait_logged_count says how
--         much of it the log can show: none for requests up to 0.5 s, watches, exempt users (system:masters), and
--         servers before 1.31. apf_rejected_count takes a 429 for APF's if neither a handler nor authorization had seen
--         it (see rejected, which tells the reasons apart); one rejected at once has no wait, one that waited in vain
--         has, and counts in both. wait_share is the part of the time of those that waited that they spent waiting:
--         near 1, the server was full; near 0, it was slow. Which priority level they waited in, the log doesn't say.
--         Sums are in whole microseconds: the same on any thread count.
with sent as (
    select
        user_name,
        user_agent,
        verb,
        api_group,
        resource,
        subresource,
        received_at,
        latency_apf_queue_wait_secs,
        coalesce(latency_apf_queue_wait_secs >= $no_wait_secs, false) as has_waited,
        coalesce(code = 429 and reason is null and authorization_decision is null, false) as is_rejected,
        cast(round(latency_apf_queue_wait_secs * 1e6) as bigint) as wait_micros,
        cast(completed_at as bigint) - cast(received_at as bigint) as duration_micros
    from requests
)
select
    user_name,
    user_agent,
    verb,
    api_group,
    resource,
    subresource,
    count(*) as request_count,
    count(latency_apf_queue_wait_secs) as wait_logged_count,
    count(*) filter (where has_waited) as waited_count,
    count(*) filter (where is_rejected) as apf_rejected_count,
    sum(wait_micros) filter (where has_waited) / 1e6 as total_wait_secs,
    sum(wait_micros) filter (where has_waited) / 1e6 / count(*) filter (where has_waited) as mean_wait_secs,
    percentile_cont(0.99) within group (order by latency_apf_queue_wait_secs) filter (where has_waited)
        as p99_wait_secs,
    max(latency_apf_queue_wait_secs) filter (where has_waited) as max_apf_queue_wait_secs,
    1.0 * sum(wait_micros) filter (where has_waited) / sum(duration_micros) filter (where has_waited) as wait_share,
    min(received_at) filter (where has_waited or is_rejected) as first_received_at,
    max(received_at) filter (where has_waited or is_rejected) as last_received_at
from sent
group by user_name, user_agent, verb, api_group, resource, subresource
having count(*) filter (where has_waited or is_rejected) > 0
order by
    total_wait_secs desc nulls last,
    apf_rejected_count desc,
    user_name,
    user_agent,
    verb,
    api_group,
    resource,
    subresource;
