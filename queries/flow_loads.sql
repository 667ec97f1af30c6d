-- flow_loads: what each client asks in each flow, and what it takes of the server's seats.
-- grain:  apiserver, caller_key, flow_key, flow_schema, priority_level, low_seats, high_seats
-- reads:  flow_requests, flows, verdicts
-- params: $no_wait_secs secs = 0.5, a wait below this is none; the server logs waits only of requests over 0.5 s
--         $first_micros micros = 0, where the time asked for begins: what was held before counts for nothing
-- kept:   Priority levels, FlowSchemas and clients are summed up from these rows.
-- why:    The same as over classified_requests, which says what counts; the text of FlowSchemas is joined after grouping,
--         to few rows. Seat-seconds are seats times the time that a request holds them; of watches, whose waits the log
--         never has, that time is left out of sure_held_micros. Lists are also watches that begin with one. Sums are in
--         whole microseconds: the same on any thread count. held_count is how many requests have both ends of that time
--         in the log.
with grouped as (
    select
        requested.apiserver,
        requested.caller_key,
        requested.flow_key,
        requested.has_reached_apf,
        verdicts.audit_key is not null as is_verdict,
        verdicts.flow_schema,
        verdicts.priority_level,
        verdicts.max_seats,
        count(*) as request_count,
        count(*) filter (where requested.is_list) as list_count,
        count(*) filter (where requested.is_rejected) as rejected_count,
        count(*) filter (where coalesce(verdicts.wait_micros, requested.wait_micros) >= $no_wait_secs * 1e6)
            as waited_count,
        sum(coalesce(verdicts.wait_micros, requested.wait_micros))
            filter (where coalesce(verdicts.wait_micros, requested.wait_micros) >= $no_wait_secs * 1e6) as wait_micros,
        max(coalesce(verdicts.wait_micros, requested.wait_micros))
            filter (where coalesce(verdicts.wait_micros, requested.wait_micros) >= $no_wait_secs * 1e6)
            as max_wait_micros,
        count(requested.held_until_micros) filter (where not requested.is_rejected) as held_count,
        sum(
            greatest(
                requested.held_until_micros
                    - greatest(
                        requested.received_micros + coalesce(verdicts.wait_micros, requested.wait_micros, 0),
                        $first_micros
                    ),
                0
            )
        ) filter (where not requested.is_rejected) as held_micros,
        sum(
            greatest(
                requested.held_until_micros
                    - greatest(
                        requested.received_micros + coalesce(verdicts.wait_micros, requested.wait_micros, 0),
                        $first_micros
                    ),
                0
            )
        ) filter (
            where not requested.is_rejected and (not requested.is_watch or verdicts.audit_key is not null)
        ) as sure_held_micros
    from flow_requests as requested
    left join verdicts on verdicts.audit_key = requested.audit_key
    group by 1, 2, 3, 4, 5, 6, 7, 8
)
select
    grouped.apiserver,
    grouped.caller_key,
    grouped.flow_key,
    coalesce(grouped.flow_schema, flows.flow_schema) as flow_schema,
    coalesce(grouped.priority_level, flows.priority_level) as priority_level,
    coalesce(grouped.max_seats, flows.low_seats) as low_seats,
    coalesce(grouped.max_seats, flows.high_seats) as high_seats,
    sum(grouped.request_count) as request_count,
    sum(grouped.list_count) as list_count,
    sum(case when grouped.is_verdict then grouped.request_count else 0 end) as verdict_count,
    sum(grouped.rejected_count) as rejected_count,
    sum(grouped.waited_count) as waited_count,
    sum(grouped.wait_micros) as wait_micros,
    max(grouped.max_wait_micros) as max_wait_micros,
    sum(grouped.held_count) as held_count,
    sum(grouped.held_micros) as held_micros,
    sum(grouped.sure_held_micros) as sure_held_micros
from grouped
inner join flows on flows.flow_key = grouped.flow_key
where case
        when grouped.is_verdict then grouped.flow_schema is not null
        else grouped.has_reached_apf and not flows.is_outside
    end
group by 1, 2, 3, 4, 5, 6, 7
order by request_count desc, apiserver, caller_key, flow_key, flow_schema, priority_level, low_seats, high_seats;
