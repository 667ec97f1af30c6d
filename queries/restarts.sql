-- restarts: starts of an apiserver, told by what it asks of itself, and the reads that were cut off before.
-- grain:  apiserver, started_at
-- reads:  client_reads, collection_reads
-- kept:   Bursts of all clients are looked for after these.
-- params: $restart_gap_secs secs = 4, longest pause between two signs of one start
--         $min_restart_resource_count count = 8, fewest resources that a starting server lists
--         $min_startup_count count = 5, or fewest requests served while starting
--         $min_reopened_count count = 20, or fewest watches opened again though the same has no end
-- why:    A server that starts fills the caches of its own clients: system:apiserver lists (or watch-lists) a dozen
--         resources and more, within seconds, and what is served meanwhile is marked as served while starting. Later it
--         only watches. Where the policy drops all that, clients show it: they open watches again that have no end in
--         the log; but that is also what a missing piece of the log looks like. A read that has no end though it was received before the start was cut off by the end of the
--         server before: with RequestReceived logged, lists are among them; without, only watches can be.
--         open_list_count and open_watch_count are of the reads since the row before; a slow start may be several rows.
with own as (
    select
        apiserver,
        read_id,
        at_micros,
        case when client_type = 'apiserver' and read_kind = 'list' then concat_ws('.', resource, nullif(api_group, '')) end as listed,
        coalesce(is_startup, false) as is_startup,
        is_after_open,
        lag(at_micros) over (partition by apiserver order by at_micros, read_id) as before_micros
    from client_reads
    where is_startup
        or (is_after_open and client_type <> 'apiserver')
        or (read_kind = 'list' and client_type = 'apiserver')
),
islands as (
    select
        *,
        sum(case when at_micros - before_micros <= cast($restart_gap_secs * 1e6 as bigint) then 0 else 1 end)
            over (partition by apiserver order by at_micros, read_id rows between unbounded preceding and current row) as island
    from own
),
starts as (
    select
        apiserver,
        min(at_micros) as start_micros,
        max(at_micros) as last_micros,
        first_value(read_id order by at_micros, read_id) as first_read_id,
        count(distinct listed) as resource_count,
        count(*) filter (where is_startup) as startup_count,
        count(*) filter (where is_after_open) as reopened_count
    from islands
    group by apiserver, island
    having count(distinct listed) >= $min_restart_resource_count
        or count(*) filter (where is_startup) >= $min_startup_count
        or count(*) filter (where is_after_open) >= $min_reopened_count
),
placed as (
    select
        *,
        lag(start_micros) over (partition by apiserver order by start_micros) as earlier_start_micros
    from starts
),
counted as (
    select
        placed.apiserver,
        arrow_cast(max(start_micros), 'Timestamp(Microsecond, Some("UTC"))') as started_at,
        arrow_cast(max(last_micros), 'Timestamp(Microsecond, Some("UTC"))') as settled_at,
        max(resource_count) as resource_count,
        max(startup_count) as startup_count,
        max(reopened_count) as reopened_count,
        arrow_cast(max(at_micros) filter (where at_micros < start_micros), 'Timestamp(Microsecond, Some("UTC"))')
            as last_read_at,
        count(*) filter (
            where outcome = 'open' and verb = 'watch'
            and at_micros < start_micros and at_micros >= coalesce(earlier_start_micros, 0)
        ) as open_watch_count,
        count(*) filter (
            where outcome = 'open' and verb = 'list'
            and at_micros < start_micros and at_micros >= coalesce(earlier_start_micros, 0)
        ) as open_list_count,
        max(first_read_id) as first_read_id
    from placed
    inner join client_reads on (client_reads.apiserver is not distinct from placed.apiserver)
    group by placed.apiserver, start_micros
)

select
    counted.apiserver,
    counted.started_at,
    settled_at,
    resource_count,
    startup_count,
    reopened_count,
    last_read_at,
    open_watch_count,
    open_list_count,
    audit_id as evidence_audit_id,
    concat(source_file, ':', cast(source_line as varchar)) as evidence_place
from counted
inner join collection_reads on collection_reads.request_key = first_read_id
order by apiserver, started_at;
