-- run_reads: the reads of loops, retries, pages, whole LISTs and piles, each with the process of the server that answered it.
-- grain:  pattern, read_id
-- reads:  loops, pages, full_lists, pileups, client_reads, restarts
-- params: $episode_gap_secs secs = 60, longest pause between two loops of a client that are one episode
--         $min_silent_secs secs = 1.5, silence of a server before a start that tells it from the course of another
-- for:    other queries
-- kept:   busy_reads reads it more than once.
-- why:    Of a loop, all LISTs of the client and resource in its time count, not only those that follow one of their
--         instance; those of instances that came in only once stand before the first repeat and after the last, so it is
--         looked around (is_in_run is false there). `life` counts the starts of the server before, if the episode is of
--         one server: what came from the process before a start is one thing, what came after another. Retries and pages
--         are not cut to their thickest part (is_cut).
with repeats as (
    select
        loops.pattern,
        loops.episode,
        loops.read_id,
        at_micros,
        end_micros,
        apiserver,
        series,
        scope,
        since_same_secs
    from loops
    inner join client_reads on client_reads.read_id = loops.read_id
),
runs as (
    select
        episode,
        series,
        scope,
        min(at_micros - cast(coalesce(since_same_secs, 0) * 1e6 as bigint)) as from_micros,
        max(at_micros) as to_micros,
        cast($episode_gap_secs * 5e5 as bigint) as around_micros
    from repeats
    where pattern = 'loop'
    group by episode, series, scope
),
run_hours as (
    select
        *,
        unnest(
            generate_series((from_micros - around_micros) / 3600000000, (to_micros + around_micros) / 3600000000)
        ) as hour
    from runs
),
of_loops as (
    select
        min(run_hours.episode) as episode,
        read_id,
        at_micros,
        end_micros,
        apiserver,
        bool_or(at_micros between from_micros and to_micros) as is_in_run
    from run_hours
    inner join client_reads
        on client_reads.series = run_hours.series
        and client_reads.scope = run_hours.scope
        and client_reads.at_micros / 3600000000 = run_hours.hour
    where verb = 'list' and read_kind = 'list'
        and at_micros between from_micros - around_micros and to_micros + around_micros
    group by read_id, at_micros, end_micros, apiserver
),
others as (
    select pattern, episode, read_id from pages
    union all
    select pattern, episode, read_id from full_lists
    union all
    select pattern, episode, read_id from pileups
),
found as (
    select
        'loop' as pattern,
        episode,
        read_id,
        at_micros,
        end_micros,
        apiserver,
        is_in_run
    from of_loops
    union all
    select
        pattern,
        episode,
        read_id,
        at_micros,
        end_micros,
        apiserver,
        true as is_in_run
    from repeats
    where pattern = 'retry'
    union all
    select
        pattern,
        episode,
        others.read_id,
        at_micros,
        end_micros,
        apiserver,
        true as is_in_run
    from others
    inner join client_reads on client_reads.read_id = others.read_id
),
starts as (
    select
        apiserver,
        cast(back_at as bigint) as start_micros
    from restarts
    where last_event_at is not null
        and cast(back_at as bigint) - cast(last_event_at as bigint) >= cast($min_silent_secs * 1e6 as bigint)
        and spanning_count = 0
),
lives as (
    select
        apiserver,
        start_micros as from_micros,
        coalesce(lead(start_micros) over (partition by apiserver order by start_micros), 9000000000000000) as until_micros,
        row_number() over (partition by apiserver order by start_micros) as life
    from starts
)
select
    found.pattern,
    found.episode,
    case
        when min(coalesce(found.apiserver, '')) over (partition by found.pattern, found.episode)
            = max(coalesce(found.apiserver, '')) over (partition by found.pattern, found.episode) then coalesce(life, 0)
        else 0
    end as life,
    found.read_id,
    found.at_micros,
    found.end_micros,
    found.is_in_run,
    found.pattern not in ('retry', 'pages') as is_cut
from found
left join lives
    on (lives.apiserver is not distinct from found.apiserver)
    and found.at_micros >= lives.from_micros
    and found.at_micros < lives.until_micros;
