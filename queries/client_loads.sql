-- client_loads: what each client requests in each flow, and the seats that takes.
-- grain:  client_type, client, flow_schema, priority_level, flow_distinguisher
-- reads:  flow_loads, flows, clients
-- for:    other queries
-- why:    flow_distinguisher is null where nothing tells flows apart, and where only the server's own word has the
--         FlowSchema. Seats of a list are a range over all lists. Seat-microseconds are a range, as the seats of a list are
--         estimated; requests without an end in the log add none.
select
    clients.client_type,
    clients.client,
    flow_loads.flow_schema,
    flow_loads.priority_level,
    case when flow_loads.flow_schema = flows.flow_schema then flows.flow_distinguisher end as flow_distinguisher,
    sum(flow_loads.request_count) as request_count,
    sum(flow_loads.list_count) as list_count,
    min(flow_loads.low_seats) filter (where flow_loads.list_count > 0) as low_list_seats,
    max(flow_loads.high_seats) filter (where flow_loads.list_count > 0) as high_list_seats,
    sum(flow_loads.rejected_count) as rejected_count,
    sum(flow_loads.waited_count) as waited_count,
    sum(flow_loads.wait_micros) as wait_micros,
    max(flow_loads.max_wait_micros) as max_wait_micros,
    coalesce(sum(flow_loads.sure_held_micros * flow_loads.low_seats), sum(flow_loads.held_micros) * 0)
        as low_seat_micros,
    sum(flow_loads.held_micros * flow_loads.high_seats) as high_seat_micros
from flow_loads
inner join flows on flows.flow_key = flow_loads.flow_key
inner join clients on clients.caller_key = flow_loads.caller_key
group by 1, 2, 3, 4, 5
order by high_seat_micros desc nulls last, request_count desc, 1, 2, 3, 4, 5;
