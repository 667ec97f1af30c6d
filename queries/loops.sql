-- loops: LISTs that one instance repeats again and again, each soon after the last was answered.
-- grain:  pattern, read_id
-- reads:  client_reads
-- params: $max_period_secs secs = 35, longest time between two of the same list in a loop
--         $min_loop_count count = 3, fewest lists of one instance in a loop
--         $at_once_again_secs secs = 5, or longest pause after one that took longer
--         $min_retry_count count = 3, fewest tries of one instance one after the other
--         $episode_gap_secs secs = 60, longest pause between two loops of a client that are one episode
-- for:    other queries
-- kept:   run_reads reads it more than once.
-- why:    A list that follows the same one of the same instance is a repeat: of pattern `retry` if that had failed, else of
--         pattern `loop`; the pause, or the period, must be short. A failed list that comes again is no loop of its own
--         making. What instances of one client do to one resource (in namespaces, or in the whole cluster) at the same
--         time is one episode, over the pauses of a restart. Polls slower than the longest period are in the query polls.
--         All lists are in one order, by parts that keep all cores busy, with a count for speed, as in client_reads. Most
--         of them are no repeat: what comes after that order is of few rows.
with lists as (
    select
        read_id,
        at_micros,
        end_micros,
        series,
        scope,
        repeat_key,
        repeat_key % 16 as part,
        is_after_failure and since_same_end_secs <= $max_period_secs as is_retry,
        not is_after_failure
        and (since_same_secs <= $max_period_secs or since_same_end_secs <= $at_once_again_secs) as is_loop
    from client_reads
    where read_kind = 'list' and verb = 'list' and client_type <> 'apiserver'
),
spaced as (
    select
        *,
        count(*) over by_repeat > 1
        and lag(repeat_key) over by_repeat = repeat_key
        and case when is_retry then lag(is_retry) over by_repeat else lag(is_loop) over by_repeat end as goes_on
    from lists
    window by_repeat as (
        partition by part order by repeat_key, at_micros, read_id
        rows between unbounded preceding and unbounded following
    )
),
runs as (
    select
        part,
        case when is_retry then 'retry' else 'loop' end as pattern,
        concat_ws(' ', series, scope) as series,
        read_id,
        at_micros,
        end_micros,
        sum(case when goes_on then 0 else 1 end) over (
            partition by part order by repeat_key, at_micros, read_id rows between unbounded preceding and current row
        ) as run
    from spaced
    where is_retry or is_loop
),
counted as (
    select
        *,
        count(*) over (partition by part, run) as run_count
    from runs
),
kept as (
    select
        pattern,
        series,
        read_id,
        at_micros,
        max(end_micros) over (
            partition by pattern, series order by at_micros, read_id rows between unbounded preceding and 1 preceding
        ) as busy_until_micros
    from counted
    where run_count >= case when pattern = 'retry' then $min_retry_count else $min_loop_count end - 1
),
islands as (
    select
        *,
        sum(case when at_micros - busy_until_micros <= cast($episode_gap_secs * 1e6 as bigint) then 0 else 1 end)
            over (partition by pattern, series order by at_micros, read_id rows between unbounded preceding and current row) as island
    from kept
)
select
    pattern,
    min(read_id) over (partition by pattern, series, island) as episode,
    read_id
from islands
order by pattern, episode, read_id;
