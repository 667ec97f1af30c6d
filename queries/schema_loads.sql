-- schema_loads: the requests that each FlowSchema matches, and the seats that they take.
-- grain:  flow_schema, priority_level
-- reads:  client_loads
-- for:    reports
-- why:    A flow is what is queued together; distinguisher_count is how many there are, 0 where nothing tells them apart.
--         All that a FlowSchema tells apart by namespace and that has none is one of them. Seat-seconds are a range, as
--         the seats of a list are estimated; requests without an end in the log add none.
select
    flow_schema,
    priority_level,
    count(distinct client) as client_count,
    count(distinct flow_distinguisher) as distinguisher_count,
    sum(request_count) as request_count,
    sum(list_count) as list_count,
    sum(low_seat_micros) / 1e6 as low_seat_secs,
    sum(high_seat_micros) / 1e6 as high_seat_secs,
    sum(rejected_count) as rejected_count,
    sum(waited_count) as waited_count,
    sum(wait_micros) / 1e6 as total_wait_secs,
    max(max_wait_micros) / 1e6 as max_wait_secs
from client_loads
group by flow_schema, priority_level
order by high_seat_secs desc nulls last, request_count desc, flow_schema, priority_level;
