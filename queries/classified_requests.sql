-- classified_requests: every request with its FlowSchema, priority level and seats.
-- grain:  apiserver, audit_key, received_micros
-- reads:  flow_requests, flows, verdicts
-- params: $first_micros micros = 0, where the time asked for begins: what was held before counts for nothing
-- for:    other queries
-- why:    Where the server's own log is given, its word stands; else what the configuration makes of the request.
--         is_counted leaves out what bypasses API Priority and Fairness: long-running requests other than watches, and
--         what was refused before it came so far. Seats are held while a request runs, from the end of its wait; low and
--         high are what the estimate allows, equal where the server says it. is_wait_unknown marks watches, whose waits
--         the log never has: they may have held their seats for a shorter time than it looks.
select
    requested.flow_key,
    requested.caller_key,
    requested.apiserver,
    requested.audit_key,
    requested.received_micros,
    coalesce(verdicts.flow_schema, flows.flow_schema) as flow_schema,
    coalesce(verdicts.priority_level, flows.priority_level) as priority_level,
    case
        when verdicts.flow_schema is null or verdicts.flow_schema = flows.flow_schema then flows.flow_distinguisher
    end as flow_distinguisher,
    verdicts.audit_key is not null as is_verdict,
    requested.is_list,
    requested.is_watch and verdicts.audit_key is null as is_wait_unknown,
    requested.is_rejected,
    case
        when verdicts.audit_key is not null then verdicts.flow_schema is not null
        else requested.has_reached_apf and not flows.is_outside
    end as is_counted,
    coalesce(verdicts.max_seats, flows.low_seats) as low_seats,
    coalesce(verdicts.max_seats, flows.high_seats) as high_seats,
    coalesce(verdicts.wait_micros, requested.wait_micros) as wait_micros,
    greatest(requested.received_micros + coalesce(verdicts.wait_micros, requested.wait_micros, 0), $first_micros)
        as held_from_micros,
    requested.held_until_micros
from flow_requests as requested
inner join flows on flows.flow_key = requested.flow_key
left join verdicts on verdicts.audit_key = requested.audit_key;
