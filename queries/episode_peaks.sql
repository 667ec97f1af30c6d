-- episode_peaks: when most of an episode's lists were in flight on one server, and what they held then.
-- grain:  pattern, episode
-- reads:  episode_reads, client_reads
-- for:    other queries
-- kept:   episodes and episode_clients both read it.
-- why:    The peak is where the estimate of what is held is highest, and of equal ones where most lists are, then the
--         first. A server's memory is its own, so it is the peak of the worst server. What lists hold adds up; the slack,
--         which is garbage, comes once. Lists of unknown size are counted in inflight_count only: if there are any, the
--         bytes are too low, and 0 where none has a known size. Of a list that is known only at least, that counts as high
--         too. An episode in which nothing was listed has no row. In a queue of API Priority and Fairness a list counts, but
--         holds nothing.
with lists as (
    select
        pattern,
        episode,
        episode_reads.read_id,
        apiserver,
        at_micros,
        holds_from_micros,
        end_micros,
        held_low_bytes,
        held_high_bytes
    from episode_reads
    inner join client_reads on client_reads.read_id = episode_reads.read_id
    where verb = 'list' and outcome <> 'unknown' and (code is null or code < 400)
),
changes as (
    select
        pattern,
        episode,
        read_id,
        apiserver,
        case
            when change = 1 then at_micros
            when held_change = 1 then holds_from_micros
            else end_micros
        end as change_micros,
        change,
        held_change,
        held_change * coalesce(held_low_bytes, 0) as low_bytes,
        held_change * coalesce(held_high_bytes, held_low_bytes, 0) as high_bytes
    from lists
    cross join (values (1, 0), (0, 1), (-1, -1)) as ends (change, held_change)
),
swept as (
    select
        pattern,
        episode,
        read_id,
        apiserver,
        change_micros,
        change,
        held_change,
        sum(change) over by_time as inflight_count,
        sum(low_bytes) over by_time as inflight_low_bytes,
        sum(high_bytes) over by_time as inflight_high_bytes
    from changes
    window by_time as (
        partition by pattern, episode, apiserver order by change_micros, held_change, change, read_id
        rows between unbounded preceding and current row
    )
),
ranked as (
    select
        *,
        max(inflight_count) over (partition by pattern, episode) as peak_concurrency,
        row_number() over (
            partition by pattern, episode order by inflight_high_bytes desc, inflight_count desc, change_micros, read_id
        ) as rank
    from swept
    where change = 1 or held_change = 1
)
select
    pattern,
    episode,
    apiserver,
    change_micros as peak_micros,
    peak_concurrency,
    inflight_count,
    inflight_low_bytes,
    inflight_high_bytes
from ranked
where rank = 1
order by pattern, episode;
