-- restarts: starts of an apiserver, known by what it asks of itself, and the reads that were cut off before.
-- grain:  apiserver, started_at
-- reads:  client_reads, collection_reads
-- for:    other queries
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
--         open_list_count and open_watch_count are of the reads since the row before; a slow start may be several rows. The
--         last read before a start is looked for by the minute first, as each start with all reads is slow.
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
minutes as (
    select
        apiserver,
        at_micros / 60000000 as minute,
        max(at_micros) as last_micros
    from client_reads
    group by apiserver, at_micros / 60000000
),
last_before as (
    select
        placed.apiserver,
        start_micros,
        max(minutes.last_micros) as last_read_micros
    from placed
    inner join minutes on (minutes.apiserver is not distinct from placed.apiserver) and minute < start_micros / 60000000
    group by placed.apiserver, start_micros
),
last_beside as (
    select
        placed.apiserver,
        start_micros,
        max(at_micros) as last_read_micros
    from placed
    inner join client_reads
        on (client_reads.apiserver is not distinct from placed.apiserver)
        and at_micros / 60000000 = start_micros / 60000000
    where at_micros < start_micros
    group by placed.apiserver, start_micros
),
cut as (
    select
        placed.apiserver,
        start_micros,
        count(*) filter (where verb = 'watch') as open_watch_count,
        count(*) filter (where verb = 'list') as open_list_count
    from placed
    inner join client_reads on (client_reads.apiserver is not distinct from placed.apiserver)
    where outcome = 'open'
        and at_micros < start_micros
        and at_micros >= coalesce(earlier_start_micros, 0)
    group by placed.apiserver, start_micros
),
counted as (
    select
        placed.apiserver,
        arrow_cast(placed.start_micros, 'Timestamp(Microsecond, Some("UTC"))') as started_at,
        arrow_cast(placed.last_micros, 'Timestamp(Microsecond, Some("UTC"))') as settled_at,
        resource_count,
        startup_count,
        reopened_count,
        arrow_cast(
            coalesce(last_beside.last_read_micros, last_before.last_read_micros), 'Timestamp(Microsecond, Some("UTC"))'
        ) as last_read_at,
        coalesce(open_watch_count, 0) as open_watch_count,
        coalesce(open_list_count, 0) as open_list_count,
        first_read_id
    from placed
    left join last_before
        on (last_before.apiserver is not distinct from placed.apiserver)
        and last_before.start_micros = placed.start_micros
    left join last_beside
        on (last_beside.apiserver is not distinct from placed.apiserver)
        and last_beside.start_micros = placed.start_micros
    left join cut on (cut.apiserver is not distinct from placed.apiserver) and cut.start_micros = placed.start_micros
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
