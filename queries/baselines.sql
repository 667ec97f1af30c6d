-- baselines: the usual rate of each client's LISTs and watches: the median of its windows, and the deviation from it.
-- grain:  series
-- reads:  read_windows
-- for:    other queries
-- kept:   Bursts are told against these.
-- params: $min_burst_count count = 20, fewest reads in a window that are a burst
--         $min_burst_factor ratio = 4, how many times the median of the client's windows a burst has at least
--         $min_burst_deviations ratio = 6, how many median absolute deviations above that median at least
--         $min_window_count count = 12, windows that a log has at least; of a shorter one the rest count as empty
-- why:    Median and MAD are over the windows of the whole log, empty ones included, so a burst shorter than half of the
--         log can't move them. Empty windows are not listed but weighed: one row of zero reads stands for all of them.
--         bound_count is how many reads in a window are a burst.
with weighed as (
    select
        series,
        read_count,
        count(*) as weight
    from read_windows
    group by series, read_count
    union all
    select
        series,
        0 as read_count,
        greatest(max(window_count), $min_window_count) - count(*) as weight
    from read_windows
    group by series
),
ranked as (
    select
        series,
        read_count,
        weight,
        sum(weight) over (
            partition by series order by read_count rows between unbounded preceding and current row
        ) as weight_so_far,
        sum(weight) over (partition by series) as weight_in_all
    from weighed
),
centred as (
    select
        series,
        read_count,
        weight,
        min(case when 2 * weight_so_far >= weight_in_all then read_count end) over (partition by series) as median_count
    from ranked
),
deviating as (
    select
        series,
        median_count,
        abs(read_count - median_count) as deviation,
        sum(weight) over (
            partition by series order by abs(read_count - median_count)
            rows between unbounded preceding and current row
        ) as weight_so_far,
        sum(weight) over (partition by series) as weight_in_all
    from centred
),
middling as (
    select
        series,
        max(median_count) as median_count,
        min(deviation) filter (where 2 * weight_so_far >= weight_in_all) as mad_count
    from deviating
    group by series
)
select
    series,
    median_count,
    mad_count,
    greatest(
        $min_burst_count,
        $min_burst_factor * median_count,
        median_count + $min_burst_deviations * mad_count
    ) as bound_count
from middling
order by series;
