-- flow_loads: what each client requests in each flow, and the seats that takes.
-- grain:  apiserver, caller_key, flow_key, flow_schema, priority_level, low_seats, high_seats
-- reads:  classified_requests
-- params: $no_wait_secs secs = 0.5, a wait below this is none; the server logs waits only of requests over 0.5 s
-- for:    other queries
-- kept:   Priority levels, FlowSchemas and clients are summed up from these rows.
-- why:    Seat-seconds are seats times the time that a request holds them; of watches, whose waits the log never has, that
--         time is left out of sure_held_micros. Lists are also watches that begin with one. Sums are in whole
--         microseconds: the same on any thread count. held_count is how many requests have both ends of that time in the
--         log.
select
    apiserver,
    caller_key,
    flow_key,
    flow_schema,
    priority_level,
    low_seats,
    high_seats,
    count(*) as request_count,
    count(*) filter (where is_list) as list_count,
    count(*) filter (where is_verdict) as verdict_count,
    count(*) filter (where is_rejected) as rejected_count,
    count(*) filter (where wait_micros >= $no_wait_secs * 1e6) as waited_count,
    sum(wait_micros) filter (where wait_micros >= $no_wait_secs * 1e6) as wait_micros,
    max(wait_micros) filter (where wait_micros >= $no_wait_secs * 1e6) as max_wait_micros,
    count(held_until_micros) filter (where not is_rejected) as held_count,
    sum(greatest(held_until_micros - held_from_micros, 0)) filter (where not is_rejected) as held_micros,
    sum(greatest(held_until_micros - held_from_micros, 0)) filter (where not is_rejected and not is_wait_unknown)
        as sure_held_micros
from classified_requests
where is_counted
group by apiserver, caller_key, flow_key, flow_schema, priority_level, low_seats, high_seats
order by request_count desc, apiserver, caller_key, flow_key, flow_schema, priority_level, low_seats, high_seats;
