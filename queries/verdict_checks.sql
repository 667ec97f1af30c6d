-- verdict_checks: where the calculated FlowSchema and seats of a request agree with the server's own log, and where not.
-- grain:  flow_schema, priority_level, is_outside, server_flow_schema, server_priority_level, is_list, is_watch, low_seats,
--         high_seats, initial_seats
-- reads:  flow_requests, flows, verdicts
-- for:    reports
-- params: $first_micros micros = 0, where the time asked for begins: requests received before are left out, as the
--         configuration may have been another
-- why:    A verdict is a line of the server's access log at verbosity 3, found by its audit ID; an ID that several lines
--         have is left out. audit_id is that of one of the requests.
select
    flows.flow_schema,
    flows.priority_level,
    flows.is_outside or not requested.has_reached_apf as is_outside,
    verdicts.flow_schema as server_flow_schema,
    verdicts.priority_level as server_priority_level,
    requested.is_list,
    requested.is_watch,
    flows.low_seats,
    flows.high_seats,
    verdicts.initial_seats,
    count(*) as request_count,
    min(verdicts.audit_id) as audit_id
from flow_requests as requested
inner join flows on flows.flow_key = requested.flow_key
inner join verdicts on verdicts.audit_key = requested.audit_key
where requested.received_micros >= $first_micros
group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
order by request_count desc, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10;
