-- restarts: starts of an apiserver, known by what it asks of itself and by what clients open again, and what was cut off.
-- grain:  apiserver, started_at
-- reads:  client_reads, collection_reads, signs_of_life
-- for:    other queries
-- kept:   Bursts of all clients are looked for after these.
-- params: $restart_gap_secs secs = 4, longest pause between two signs of one start
--         $min_restart_resource_count count = 8, fewest resources that a starting server lists
--         $min_startup_count count = 5, or fewest requests served while starting
--         $long_silence_secs secs = 5, shortest silence after which a server's own GETs or failed health checks are a sign
--         $min_own_get_count count = 10, or fewest such GETs of what a server sets up when it starts
--         $min_reopened_count count = 20, or fewest watches opened again though the same has no end
--         $min_silence_secs secs = 1, shortest pause between the last event of a server and the first of the next
--         $first_end_secs secs = 10, longest that a server serves before it shows the first sign of its start
--         $reopening_secs secs = 60, within which clients open their watches again
--         $max_open_secs secs = 60, longest that a read without an end is taken to have been in flight
-- why:    A server that starts fills the caches of its own clients: system:apiserver lists (or watch-lists) a dozen
--         resources and more, within seconds, and what is served meanwhile is marked as served while starting. Later it
--         only watches. It also gets, one by one, what it has to set up (roles, priority classes, APIServices), and fails its
--         health checks until it is ready: a running server does so too, but not just after a silence. Where the policy drops all that, clients show it: they open watches again that have no end in
--         the log; but that is also what a missing piece of the log looks like. There, each client comes back when its
--         watch was due, not within seconds (reopened_soon_count); and what was received before the start and answered
--         after it (spanning_count) shows that the server went on: so does what was received in the silence. A server's
--         own reads before (own_before_count) say that the log would show its own reads at a start.
--         A read that has no end though it was received before the start was cut off by the end of the
--         server before, unless it had to end earlier: with RequestReceived logged, lists are among them; without, only
--         watches can be. Where no read of the same verb and resource has an end in the whole log, the policy may leave
--         those ends out: unsure_watch_count and unsure_list_count.
--         open_list_count, open_watch_count, cut_watch_count (opened again) and own_again_count (the server's own lists of
--         what it had listed) are of the reads since the row before; a slow start may be several rows.
--         A server that stops in good order ends its watches just before (ended_watch_count).
--         last_event_at is the last event of any kind before the start, back_at the first after it: the end was between
--         them. What was received in a hole of the log may be known by its end long after: next_event_at is the first event
--         from the start on. A start may show its first sign late, so a longer silence shortly before it counts instead.
with setting_up as (
    select
        apiserver,
        'get' as sign,
        read_id,
        at_micros,
        end_micros as seen_micros,
        cast(null as bigint) as silent_from_micros
    from client_reads
    where client_type = 'apiserver'
        and verb = 'get'
        and api_group in ('apiregistration.k8s.io', 'rbac.authorization.k8s.io', 'scheduling.k8s.io')
    union all
    select
        apiserver,
        'failed check' as sign,
        null as read_id,
        failed_check_micros as at_micros,
        failed_check_micros as seen_micros,
        null as silent_from_micros
    from signs_of_life
    where failed_check_micros is not null
    union all
    select
        apiserver,
        'a silence' as sign,
        null as read_id,
        first_micros as at_micros,
        first_micros as seen_micros,
        before_micros as silent_from_micros
    from signs_of_life
    where first_micros - before_micros >= cast($long_silence_secs * 1e6 as bigint)
),
after_silence as (
    select
        *,
        max(silent_from_micros) over earlier as last_silent_micros,
        max(case when sign = 'a silence' then at_micros end) over earlier as last_silent_until_micros
    from setting_up
    window earlier as (
        partition by apiserver order by seen_micros, sign rows between unbounded preceding and current row
    )
),
own as (
    select
        apiserver,
        read_id,
        at_micros,
        client_type,
        client,
        case when client_type = 'apiserver' and read_kind = 'list' then concat_ws('.', resource, nullif(api_group, '')) end as listed,
        coalesce(is_startup, false) as is_startup,
        is_after_open and client_type <> 'apiserver' as is_reopened,
        'read' as sign
    from client_reads
    where is_startup
        or (is_after_open and client_type <> 'apiserver')
        or (read_kind = 'list' and client_type = 'apiserver')
    union all
    select
        apiserver,
        read_id,
        at_micros,
        'apiserver' as client_type,
        null as client,
        null as listed,
        false as is_startup,
        false as is_reopened,
        sign
    from after_silence
    where sign <> 'a silence'
        and at_micros > last_silent_micros
        and seen_micros <= last_silent_until_micros + cast($first_end_secs * 1e6 as bigint)
),
spaced as (
    select
        *,
        lag(at_micros) over (partition by apiserver order by at_micros, read_id) as before_micros
    from own
),
islands as (
    select
        *,
        sum(case when at_micros - before_micros <= cast($restart_gap_secs * 1e6 as bigint) then 0 else 1 end)
            over (partition by apiserver order by at_micros, read_id rows between unbounded preceding and current row) as island
    from spaced
),
starts as (
    select
        apiserver,
        min(at_micros) as start_micros,
        max(at_micros) as last_micros,
        max(at_micros) filter (where is_startup) as starting_micros,
        first_value(read_id order by at_micros, read_id) filter (where read_id is not null) as first_read_id,
        count(distinct listed) as resource_count,
        count(*) filter (where is_startup) as startup_count,
        count(*) filter (where sign = 'get') as own_get_count,
        count(*) filter (where sign = 'failed check') as failed_check_count,
        count(*) filter (where is_reopened) as reopened_count,
        count(distinct client) filter (where is_reopened) as reopening_client_count
    from islands
    group by apiserver, island
    having count(distinct listed) >= $min_restart_resource_count
        or count(*) filter (where is_startup) >= $min_startup_count
        or count(*) filter (where sign = 'get') >= $min_own_get_count
        or count(*) filter (where sign = 'failed check') > 0
        or count(*) filter (where is_reopened) >= $min_reopened_count
),
placed as (
    select
        *,
        last_micros as until_micros,
        coalesce(lag(start_micros) over (partition by apiserver order by start_micros), 0) as earlier_start_micros
    from starts
),
before as (
    select
        placed.apiserver,
        start_micros,
        max(case when signs_of_life.last_micros < start_micros then signs_of_life.last_micros else first_micros end)
            as last_event_micros
    from placed
    inner join signs_of_life on (signs_of_life.apiserver is not distinct from placed.apiserver)
    where first_micros < start_micros
    group by placed.apiserver, start_micros
),
after as (
    select
        placed.apiserver,
        start_micros,
        min(case when first_micros >= start_micros then first_micros else signs_of_life.last_micros end) as next_event_micros
    from placed
    inner join signs_of_life on (signs_of_life.apiserver is not distinct from placed.apiserver)
    where signs_of_life.last_micros >= start_micros
    group by placed.apiserver, start_micros
),
silences as (
    select
        apiserver,
        start_micros,
        last_event_micros as from_micros,
        start_micros as to_micros
    from before
    union all
    select
        before.apiserver,
        start_micros,
        before_micros as from_micros,
        first_micros as to_micros
    from before
    inner join signs_of_life on (signs_of_life.apiserver is not distinct from before.apiserver)
    where start_micros - last_event_micros < cast($min_silence_secs * 1e6 as bigint)
        and first_micros < start_micros
        and first_micros >= start_micros - cast($first_end_secs * 1e6 as bigint)
        and first_micros - before_micros >= cast($min_silence_secs * 1e6 as bigint)
),
longest as (
    select
        *,
        row_number() over (
            partition by apiserver, start_micros order by to_micros - from_micros desc, to_micros desc
        ) as rank
    from silences
),
silence as (
    select
        apiserver,
        start_micros,
        from_micros,
        to_micros
    from longest
    where rank = 1
),
ended_kinds as (
    select
        apiserver as of_apiserver,
        verb as of_verb,
        api_group as of_api_group,
        resource as of_resource
    from client_reads
    where outcome = 'complete'
    group by apiserver, verb, api_group, resource
),
marks as (
    select
        apiserver,
        at_micros,
        repeat_key,
        verb,
        client_type,
        outcome,
        of_verb is not null as is_end_logged,
        is_after_open,
        at_micros + cast(
            (case when verb = 'watch' then coalesce(timeout_secs, 3600.0) else 0.0 end + 1.5 * $max_open_secs) * 1e6 as bigint
        ) as latest_end_micros,
        at_micros - cast(since_same_secs * 1e6 as bigint) as same_micros,
        client_type = 'apiserver' and read_kind = 'list' and not coalesce(is_after_failure, true) as is_again
    from client_reads
    left join ended_kinds
        on (of_apiserver is not distinct from apiserver)
        and of_verb = verb
        and (of_api_group is not distinct from api_group)
        and (of_resource is not distinct from resource)
    where outcome = 'open' or is_after_open or client_type = 'apiserver'
),
ended as (
    select
        placed.apiserver as on_apiserver,
        placed.start_micros,
        until_micros,
        earlier_start_micros,
        from_micros
    from placed
    left join silence
        on (silence.apiserver is not distinct from placed.apiserver) and silence.start_micros = placed.start_micros
),
marked as (
    select
        on_apiserver as apiserver,
        start_micros,
        count(*) filter (where is_cut and verb = 'watch' and is_end_logged) as open_watch_count,
        count(*) filter (where is_cut and verb = 'list' and is_end_logged) as open_list_count,
        count(*) filter (where is_cut and verb = 'watch' and not is_end_logged) as unsure_watch_count,
        count(*) filter (where is_cut and verb = 'list' and not is_end_logged) as unsure_list_count,
        count(*) filter (
            where is_after_open and at_micros between start_micros and until_micros and same_micros >= earlier_start_micros
        ) as cut_watch_count,
        count(distinct repeat_key) filter (
            where is_again and at_micros between start_micros and until_micros and same_micros >= earlier_start_micros
                and same_micros < start_micros
        ) as own_again_count,
        count(*) filter (where client_type = 'apiserver' and at_micros < start_micros) as own_before_count,
        count(*) filter (
            where is_after_open and client_type <> 'apiserver' and at_micros >= start_micros
                and at_micros <= start_micros + cast($reopening_secs * 1e6 as bigint)
        ) as reopened_soon_count
    from (
        select
            ended.*,
            marks.*,
            outcome = 'open' and at_micros < start_micros and at_micros >= earlier_start_micros
                and latest_end_micros >= coalesce(from_micros, start_micros) as is_cut
        from ended
        inner join marks on (marks.apiserver is not distinct from ended.on_apiserver)
        where at_micros <= start_micros + cast($reopening_secs * 1e6 as bigint) or at_micros <= until_micros
    ) as reads
    group by on_apiserver, start_micros
),
answered as (
    select
        apiserver,
        at_micros,
        end_micros,
        verb
    from client_reads
    where outcome = 'complete'
        and (verb = 'watch' or end_micros - at_micros >= cast($min_silence_secs * 1e6 as bigint))
),
flanking as (
    select
        silence.apiserver,
        silence.start_micros,
        count(*) filter (
            where at_micros < to_micros - cast($min_silence_secs * 1e6 as bigint) and end_micros > start_micros
        ) as spanning_count,
        count(*) filter (
            where verb = 'watch' and end_micros < to_micros and at_micros < from_micros
        ) as ended_watch_count,
        count(*) filter (where verb = 'watch' and at_micros >= to_micros) as opened_watch_count
    from silence
    inner join answered on (answered.apiserver is not distinct from silence.apiserver)
    where end_micros >= from_micros - cast($first_end_secs * 1e6 as bigint)
        and at_micros <= start_micros + cast($first_end_secs * 1e6 as bigint)
    group by silence.apiserver, silence.start_micros
)
select
    placed.apiserver,
    arrow_cast(placed.start_micros, 'Timestamp(Microsecond, Some("UTC"))') as started_at,
    arrow_cast(placed.last_micros, 'Timestamp(Microsecond, Some("UTC"))') as settled_at,
    arrow_cast(from_micros, 'Timestamp(Microsecond, Some("UTC"))') as last_event_at,
    arrow_cast(least(to_micros, placed.start_micros), 'Timestamp(Microsecond, Some("UTC"))') as back_at,
    arrow_cast(next_event_micros, 'Timestamp(Microsecond, Some("UTC"))') as next_event_at,
    arrow_cast(starting_micros, 'Timestamp(Microsecond, Some("UTC"))') as starting_until_at,
    resource_count,
    startup_count,
    own_get_count,
    failed_check_count,
    reopened_count,
    reopening_client_count,
    coalesce(reopened_soon_count, 0) as reopened_soon_count,
    coalesce(own_again_count, 0) as own_again_count,
    coalesce(own_before_count, 0) as own_before_count,
    coalesce(open_watch_count, 0) as open_watch_count,
    coalesce(open_list_count, 0) as open_list_count,
    coalesce(unsure_watch_count, 0) as unsure_watch_count,
    coalesce(unsure_list_count, 0) as unsure_list_count,
    coalesce(cut_watch_count, 0) as cut_watch_count,
    coalesce(spanning_count, 0) as spanning_count,
    coalesce(ended_watch_count, 0) as ended_watch_count,
    coalesce(opened_watch_count, 0) as opened_watch_count,
    audit_id as evidence_audit_id,
    source_file || ':' || cast(source_line as varchar) as evidence_place
from placed
left join silence
    on (silence.apiserver is not distinct from placed.apiserver) and silence.start_micros = placed.start_micros
left join after on (after.apiserver is not distinct from placed.apiserver) and after.start_micros = placed.start_micros
left join marked on (marked.apiserver is not distinct from placed.apiserver) and marked.start_micros = placed.start_micros
left join flanking
    on (flanking.apiserver is not distinct from placed.apiserver) and flanking.start_micros = placed.start_micros
left join collection_reads on collection_reads.request_key = placed.first_read_id
order by apiserver, started_at;
