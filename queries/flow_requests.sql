-- flow_requests: every request, reduced to the numbers that decide how it uses the server's seats.
-- grain:  apiserver, audit_key, received_micros
-- reads:  requests
-- for:    other queries
-- kept:   Seats and FlowSchemas are joined to these rows when they are known; the log they came from is read once.
-- why:    A request holds its seats until it is completed, a watch only until its response starts, which is the end of its
--         initialisation as far as the log knows it. Where the log doesn't say when that was, held_until_micros is null.
--         Waits are logged for requests over 0.5 s only, and never for watches.
--         Authentication comes before API Priority and Fairness, and so does the check of an impersonation: a refused
--         impersonation, and a 401 or 403 that no authorizer decided, never came so far. A 429 without reason or decision
--         is a rejection.
select
    request_key,
    flow_key,
    caller_key,
    audit_key,
    apiserver,
    verb = 'watch' as is_watch,
    list_kind is not null as is_list,
    coalesce(code not in (401, 403) or authorization_decision is not null, true)
    and not is_impersonation_denied as has_reached_apf,
    coalesce(code = 429 and reason is null and authorization_decision is null, false) as is_rejected,
    cast(round(latency_apf_queue_wait_secs * 1e6) as bigint) as wait_micros,
    cast(received_at as bigint) as received_micros,
    cast(
        case
            when verb <> 'watch' then completed_at
            when code >= 400 then coalesce(started_at, completed_at)
            else started_at
        end as bigint
    ) as held_until_micros
from requests
where received_at is not null;
