-- level_hours: the demand on each priority level over time: mean seats in use, waits and rejections.
-- grain:  apiserver, bucket_at, priority_level
-- reads:  client_activity, flows
-- params: $activity_secs secs = 10, length of a bucket of client_activity
--         $from_micros micros = 0, the first bucket to look at, in microseconds since 1970
--         $to_micros micros = 9000000000000000, the end of the last one
-- for:    reports
-- why:    A level's demand is the seats that its requests hold, on average over a bucket: seat-seconds by seconds. A burst that
--         is over within a bucket hardly shows in it; its waits and rejections do. Waits are logged for requests over
--         0.5 s only. Seats are a range, see client_periods. Exempt levels have no limit, but are asked all the same.
with placed as (
    select
        client_activity.*,
        priority_level,
        low_seats,
        high_seats
    from client_activity
    inner join flows on flows.flow_key = client_activity.flow_key
    where not is_outside
        and cast(bucket_at as bigint) >= $from_micros
        and cast(bucket_at as bigint) < $to_micros
)
select
    apiserver,
    bucket_at,
    priority_level,
    sum(request_count) as request_count,
    sum(sure_held_micros * low_seats) / 1e6 / $activity_secs as mean_low_seats,
    sum(held_micros * high_seats) / 1e6 / $activity_secs as mean_high_seats,
    sum(waited_count) as waited_count,
    sum(wait_micros) / 1e6 as total_wait_secs,
    sum(rejected_count) as rejected_count
from placed
group by apiserver, bucket_at, priority_level
order by apiserver, bucket_at, priority_level;
