-- polls: LISTs that an instance repeats at fixed intervals, and how regular the intervals are.
-- grain:  repeat_key
-- reads:  client_reads
-- params: $min_poll_count count = 4, fewest lists of a poll
-- why:    An informer lists once and then watches; what lists again and again polls, and could do otherwise. The period is
--         the median time from one to the next, and mad_period_secs how far from it the middle half lies: a timer's is
--         near zero. Several clocks of one instance with one target mix, which shows as a period that isn't regular.
with lists as (
    select
        *,
        repeat_key as poll
    from client_reads
    where verb = 'list' and read_kind = 'list' and client_type <> 'apiserver'
),
periods as (
    select
        poll,
        percentile_cont(0.5) within group (order by since_same_secs) as period_secs
    from lists
    group by poll
    having count(*) >= $min_poll_count
)
select
    client_type,
    client,
    user_name,
    instance,
    repeat_key,
    min(namespace) as namespace,
    min(api_group) as api_group,
    min(resource) as resource,
    min(list_kind) as list_kind,
    min(scope) as scope,
    count(*) as request_count,
    count(*) filter (where is_failed) as failed_count,
    min(received_at) as first_received_at,
    max(received_at) as last_received_at,
    max(period_secs) as period_secs,
    percentile_cont(0.5) within group (order by abs(since_same_secs - period_secs)) as mad_period_secs,
    sum(response_low_bytes) as response_low_bytes,
    sum(response_high_bytes) as response_high_bytes
from lists
inner join periods on periods.poll = lists.poll
group by client_type, client, user_name, instance, repeat_key
order by request_count desc, client_type, client, user_name, instance, repeat_key;
