-- schema_loads: what goes by each FlowSchema, and what it takes of the server's seats.
-- grain:  flow_schema, priority_level
-- reads:  flow_loads, flows, clients
-- why:    A flow is what is queued together; distinguisher_count is how many there are, 0 where nothing tells them apart.
--         All that a FlowSchema tells apart by namespace and that has none is one of them.
--         Seat-seconds are a range, as the seats of a list are estimated; requests without an end in the log add none.
with by_caller as (
    select
        flow_loads.flow_schema,
        flow_loads.priority_level,
        clients.client_type,
        clients.client,
        case when flow_loads.flow_schema = flows.flow_schema then flows.flow_distinguisher end as flow_distinguisher,
        sum(flow_loads.request_count) as request_count,
        sum(flow_loads.list_count) as list_count,
        sum(flow_loads.rejected_count) as rejected_count,
        sum(flow_loads.waited_count) as waited_count,
        sum(flow_loads.wait_micros) as wait_micros,
        max(flow_loads.max_wait_micros) as max_wait_micros,
        sum(flow_loads.sure_held_micros * flow_loads.low_seats) as low_seat_micros,
        sum(flow_loads.held_micros * flow_loads.high_seats) as high_seat_micros
    from flow_loads
    inner join flows on flows.flow_key = flow_loads.flow_key
    inner join clients on clients.caller_key = flow_loads.caller_key
    group by 1, 2, 3, 4, 5
)

select
    flow_schema,
    priority_level,
    count(distinct client) as client_count,
    count(distinct flow_distinguisher) as distinguisher_count,
    sum(request_count) as request_count,
    sum(list_count) as list_count,
    coalesce(sum(low_seat_micros), sum(high_seat_micros) * 0) / 1e6 as low_seat_secs,
    sum(high_seat_micros) / 1e6 as high_seat_secs,
    sum(rejected_count) as rejected_count,
    sum(waited_count) as waited_count,
    sum(wait_micros) / 1e6 as total_wait_secs,
    max(max_wait_micros) / 1e6 as max_wait_secs
from by_caller
group by flow_schema, priority_level
order by high_seat_secs desc nulls last, request_count desc, flow_schema, priority_level;
