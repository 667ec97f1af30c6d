-- client_flows: which FlowSchema each client's requests go by, and what its lists cost.
-- grain:  client_type, client, flow_schema, priority_level
-- reads:  flow_loads, flows, clients
-- why:    One client may go by several FlowSchemas, as kubelets do; all that shares a distinguisher is queued as one flow.
--         flow_distinguisher is shown where a client has but one there; null where nothing tells flows apart, or
--         where only the server's own word has the FlowSchema. Only
--         the level named exempt can be exempt. Seats of a list are a range over all its lists.
with by_distinguisher as (
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
        max(flow_loads.max_wait_micros) as max_wait_micros,
        sum(flow_loads.sure_held_micros * flow_loads.low_seats) as low_seat_micros,
        sum(flow_loads.held_micros * flow_loads.high_seats) as high_seat_micros
    from flow_loads
    inner join flows on flows.flow_key = flow_loads.flow_key
    inner join clients on clients.caller_key = flow_loads.caller_key
    group by 1, 2, 3, 4, 5
)

select
    client_type,
    client,
    flow_schema,
    priority_level,
    priority_level = 'exempt' as is_exempt,
    count(*) as flow_count,
    case when count(*) = 1 then max(flow_distinguisher) end as flow_distinguisher,
    sum(request_count) as request_count,
    sum(list_count) as list_count,
    min(low_list_seats) as low_list_seats,
    max(high_list_seats) as high_list_seats,
    coalesce(sum(low_seat_micros), sum(high_seat_micros) * 0) / 1e6 as low_seat_secs,
    sum(high_seat_micros) / 1e6 as high_seat_secs,
    sum(rejected_count) as rejected_count,
    sum(waited_count) as waited_count,
    max(max_wait_micros) / 1e6 as max_wait_secs
from by_distinguisher
group by client_type, client, flow_schema, priority_level
order by high_seat_secs desc nulls last, request_count desc, client_type, client, flow_schema, priority_level;
