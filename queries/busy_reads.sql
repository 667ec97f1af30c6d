-- busy_reads: the reads of loops, retries, pages, whole LISTs and piles, cut to the time in which they came thick.
-- grain:  pattern, read_id
-- reads:  run_reads
-- params: $episode_gap_secs secs = 60, longest pause between two loops of a client that are one episode
--         $edge_secs secs = 5, a read counts for half of this before its receipt, and for half of it after its end
--         $min_busy_count count = 5, peak of the level below which nothing is cut away
--         $busy_ratio ratio = 3, the peak of the level divided by this is where busy begins and ends
-- for:    other queries
-- why:    A client that polls quietly before its storm and after it has one run of repeats, hours long; the storm is the
--         part in which more of its reads are in flight, or come, than in the rest. The level counts both at once: the
--         reads in flight, and those that came or ended within half of the edge, so that it falls right at the edges of
--         a storm of quick LISTs as of slow ones. Busy is from a third of its peak on; pauses longer than the episode gap
--         make two episodes. The first reads of a storm that gathers within seconds are a part of it, hence the two fifths
--         of an edge on either side. With a low peak there is nothing to tell apart.
with changes as (
    select
        pattern,
        episode,
        life,
        read_id,
        is_cut,
        change,
        case
            when change = 1 then at_micros - cast($edge_secs * 5e5 as bigint)
            else end_micros + cast($edge_secs * 5e5 as bigint)
        end as change_micros
    from run_reads
    cross join (values (1), (-1)) as ends (change)
),
swept as (
    select
        pattern,
        episode,
        life,
        read_id,
        is_cut,
        change,
        change_micros,
        sum(change) over by_time as level_count,
        coalesce(lead(change_micros) over by_time, change_micros) as until_micros
    from changes
    window by_time as (partition by pattern, episode, life order by change_micros, change desc, read_id)
),
peaked as (
    select
        *,
        case when is_cut then max(level_count) over (partition by pattern, episode, life) else 0 end as peak_count
    from swept
),
hot as (
    select
        *,
        max(until_micros) over (
            partition by pattern, episode, life order by change_micros, change desc, read_id
            rows between unbounded preceding and 1 preceding
        ) as busy_until_micros
    from peaked
    where peak_count < $min_busy_count or $busy_ratio * level_count >= peak_count
),
islands as (
    select
        *,
        sum(
            case
                when peak_count < $min_busy_count
                    or change_micros - busy_until_micros <= cast($episode_gap_secs * 1e6 as bigint) then 0
                else 1
            end
        ) over (
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
        max(peak_count) as peak_count,
        min(change_micros) as from_micros,
        max(until_micros) as to_micros
    from islands
    group by pattern, episode, life, phase
),
kept as (
    select
        run_reads.pattern,
        run_reads.episode,
        run_reads.life,
        phase,
        read_id
    from run_reads
    inner join phases
        on phases.pattern = run_reads.pattern
        and phases.episode = run_reads.episode
        and phases.life = run_reads.life
    where at_micros between from_micros - cast($edge_secs * 4e5 as bigint) and to_micros + cast($edge_secs * 4e5 as bigint)
        and (is_in_run or peak_count >= $min_busy_count)
)
select
    pattern,
    min(read_id) over (partition by pattern, episode, life, phase) as episode,
    read_id
from kept
order by pattern, episode, read_id;
