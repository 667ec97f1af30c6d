-- slow_lists: how long LISTs take, by client, resource and kind of LIST, slowest p99 first.
-- grain:  user_name, user_agent, api_group, resource, list_kind
-- reads:  requests
-- params: $min_count count = 5, fewest LISTs with an end a row needs: a p99 of one or two says nothing
-- why:    Watch-lists are left out: their duration is the watch's life. Every LIST with an end counts, failed ones
--         too: one refused at once pulls the mean down, one that waited 15 s for a seat pulls it up; see
--         failed_count. The wait for a seat is logged only for LISTs over 0.5 s, by servers from 1.31 on, and not for
--         exempt clients. The p99 is exact (8 bytes per LIST) and the mean is summed in whole microseconds: the same
--         on any thread count.
with listed as (
    select
        user_name,
        user_agent,
        api_group,
        resource,
        list_kind,
        outcome,
        code,
        duration_secs,
        latency_apf_queue_wait_secs,
        cast(completed_at as bigint) - cast(received_at as bigint) as duration_micros
    from requests
    where list_kind <> 'watch_list'
)
select
    user_name,
    user_agent,
    api_group,
    resource,
    list_kind,
    count(duration_micros) as ended_count,
    count(*) filter (where outcome = 'open') as open_count,
    count(*) filter (where code >= 400) as failed_count,
    sum(duration_micros) / 1e6 / count(duration_micros) as mean_duration_secs,
    percentile_cont(0.99) within group (order by duration_secs) as p99_duration_secs,
    max(duration_secs) as max_duration_secs,
    max(latency_apf_queue_wait_secs) as max_apf_queue_wait_secs
from listed
group by user_name, user_agent, api_group, resource, list_kind
having count(duration_micros) >= $min_count
order by
    p99_duration_secs desc nulls last,
    ended_count desc,
    user_name,
    user_agent,
    api_group,
    resource,
    list_kind;
