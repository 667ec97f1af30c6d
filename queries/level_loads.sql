-- level_loads: the requests in each priority level, and the seats that they take.
-- grain:  priority_level
-- reads:  flow_loads
-- for:    reports
-- why:    mean_seats would need the time that the log spans on each apiserver; seat-seconds say the same.
select
    priority_level,
    sum(request_count) as request_count,
    sum(list_count) as list_count,
    coalesce(sum(sure_held_micros * low_seats), sum(held_micros) * 0) / 1e6 as low_seat_secs,
    sum(held_micros * high_seats) / 1e6 as high_seat_secs,
    sum(request_count) - sum(rejected_count) - sum(held_count) as endless_count,
    sum(rejected_count) as rejected_count,
    sum(waited_count) as waited_count,
    sum(wait_micros) / 1e6 as total_wait_secs,
    max(max_wait_micros) / 1e6 as max_wait_secs
from flow_loads
group by priority_level
order by high_seat_secs desc nulls last, request_count desc, priority_level;
