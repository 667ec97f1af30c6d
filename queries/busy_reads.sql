-- busy_reads: the reads of loops, retries, pages, whole LISTs and piles, cut to the time in which they came thick.
-- grain:  pattern, read_id
-- reads:  loops, pages, full_lists, pileups, client_reads, restarts
-- params: $episode_gap_secs secs = 60, longest pause between two loops of a client that are one episode
--         $edge_secs secs = 5, a read counts for half of this before its receipt, and for half of it after its end
--         $min_busy_count count = 5, peak of the level below which nothing is cut away
--         $busy_ratio ratio = 3, the peak of the level divided by this is where busy begins and ends
--         $min_silent_secs secs = 1.5, pause of a server's reads before a start that tells it from the course of another
-- for:    other queries
-- why:    A client that polls quietly before its storm and after it has one run of repeats, hours long; the storm is the
--         part in which more of its reads are in flight, or come, than in the rest. The level counts both at once: the
--         reads in flight, and those that came or ended within half of the edge, so that it falls right at the edges of
--         a storm of quick LISTs as of slow ones. Busy is from a third of its peak on; pauses longer than the episode gap
--         make two episodes. With a low peak there is nothing to tell apart. Retries and pages are not cut. Episodes of
--         one server end with it: what came from the process before a start is one, what came after another. Of a loop,
--         all LISTs of the client and resource in its time count, not only those that follow one of their instance; those
--         of instances that came in only once stand before the first repeat and after the last, so it is looked around.
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
        cast(started_at as bigint) as start_micros
    from restarts
    where last_read_at is not null
        and cast(started_at as bigint) - cast(last_read_at as bigint) >= cast($min_silent_secs * 1e6 as bigint)
),
lives as (
    select
        apiserver,
        start_micros as from_micros,
        coalesce(lead(start_micros) over (partition by apiserver order by start_micros), 9000000000000000) as until_micros,
        row_number() over (partition by apiserver order by start_micros) as life
    from starts
),
spans as (
    select
        pattern,
        episode,
        count(distinct coalesce(apiserver, '')) = 1 as is_of_one_server
    from found
    group by pattern, episode
),
placed as (
    select
        found.*,
        case when is_of_one_server then coalesce(life, 0) else 0 end as life,
        found.pattern not in ('retry', 'pages') as is_cut
    from found
    inner join spans on spans.pattern = found.pattern and spans.episode = found.episode
    left join lives
        on (lives.apiserver is not distinct from found.apiserver)
        and found.at_micros >= lives.from_micros
        and found.at_micros < lives.until_micros
),
changes as (
    select
        pattern,
        episode,
        life,
        read_id,
        change,
        case
            when change = 1 then at_micros - cast($edge_secs * 5e5 as bigint)
            else end_micros + cast($edge_secs * 5e5 as bigint)
        end as change_micros
    from placed
    cross join (values (1), (-1)) as ends (change)
    where is_cut
),
swept as (
    select
        pattern,
        episode,
        life,
        read_id,
        change,
        change_micros,
        sum(change) over (
            partition by pattern, episode, life order by change_micros, change desc, read_id
            rows between unbounded preceding and current row
        ) as level_count,
        coalesce(
            lead(change_micros) over (
                partition by pattern, episode, life order by change_micros, change desc, read_id
            ),
            change_micros
        ) as until_micros
    from changes
),
peaked as (
    select
        *,
        max(level_count) over (partition by pattern, episode, life) as peak_count
    from swept
),
hot as (
    select
        pattern,
        episode,
        life,
        read_id,
        change,
        change_micros,
        until_micros,
        max(until_micros) over (
            partition by pattern, episode, life order by change_micros, change desc, read_id
            rows between unbounded preceding and 1 preceding
        ) as busy_until_micros
    from peaked
    where peak_count >= $min_busy_count and $busy_ratio * level_count >= peak_count
),
islands as (
    select
        *,
        sum(case when change_micros - busy_until_micros <= cast($episode_gap_secs * 1e6 as bigint) then 0 else 1 end) over (
            partition by pattern, episode, life order by change_micros, change desc, read_id
            rows between unbounded preceding and current row
        ) as phase
    from hot
),
phases as (
    select
        pattern,
        episode,
        life,
        phase,
        min(change_micros) as from_micros,
        max(until_micros) as to_micros
    from islands
    group by pattern, episode, life, phase
),
calm as (
    select distinct
        pattern,
        episode,
        life
    from peaked
    where peak_count < $min_busy_count
),
kept as (
    select
        placed.pattern,
        placed.episode,
        placed.life,
        phase,
        read_id
    from placed
    inner join phases
        on phases.pattern = placed.pattern and phases.episode = placed.episode and phases.life = placed.life
    where at_micros between from_micros and to_micros
    union all
    select
        placed.pattern,
        placed.episode,
        placed.life,
        0 as phase,
        read_id
    from placed
    left join calm on calm.pattern = placed.pattern and calm.episode = placed.episode and calm.life = placed.life
    where not is_cut or (calm.pattern is not null and is_in_run)
)
select
    pattern,
    min(read_id) over (partition by pattern, episode, life, phase) as episode,
    read_id
from kept
order by pattern, episode, read_id;
