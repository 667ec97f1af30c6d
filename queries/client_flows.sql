-- client_flows: which FlowSchema matches each client's requests, and what its LISTs cost.
-- grain:  client_type, client, flow_schema, priority_level
-- reads:  client_loads
-- for:    reports
-- why:    One client may go by several FlowSchemas, as kubelets do; all that shares a distinguisher is queued as one flow.
--         flow_distinguisher is shown where a client has but one there. Only the level named exempt can be exempt.
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
    sum(low_seat_micros) / 1e6 as low_seat_secs,
    sum(high_seat_micros) / 1e6 as high_seat_secs,
    sum(rejected_count) as rejected_count,
    sum(waited_count) as waited_count,
    max(max_wait_micros) / 1e6 as max_wait_secs
from client_loads
group by client_type, client, flow_schema, priority_level
order by high_seat_secs desc nulls last, request_count desc, client_type, client, flow_schema, priority_level;
