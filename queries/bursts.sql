-- bursts: reads of a client that come at a much higher rate than its usual one.
-- grain:  pattern, read_id
-- reads:  client_reads, read_windows, baselines, restarts
-- params: $window_secs secs = 10, width of the window in which reads are counted
--         $after_start_secs secs = 120, how long after a start bursts of all clients are looked for
--         $origin_micros micros = 0, a day before the log begins: windows are counted from there
-- for:    other queries
-- why:    A read is in a burst when within a window before it, or after a read that is in one, as many of its series came
--         as the bound that baselines has. The count is exact at every read, by adding one at each and taking it away a
--         window later; fixed windows would cut bursts in two. They are looked at first all the same: a burst's window
--         lies in two of them at most, so one of those has half of the bound, and only reads nearby are looked at closer.
--         A burst ends when a window has no read in one; of it is kept what lies between the first and the last window
--         with half as many reads as its thickest one, so that stragglers don't stretch it. Bursts of all clients' lists
--         and watches together are pattern burst-of-all; they are looked for soon after a start only.
with start_windows as (
    select distinct
        '(all)' as series,
        (cast(started_at as bigint) - $origin_micros) / cast($window_secs * 1e6 as bigint) + later as window_number
    from restarts
    cross join (select unnest(generate_series(-1, cast($after_start_secs * 1.0 / $window_secs as bigint))) as later) as laters
),
hot_windows as (
    select
        read_windows.series,
        read_windows.window_number
    from read_windows
    inner join baselines on baselines.series = read_windows.series
    left join start_windows
        on start_windows.series = read_windows.series and start_windows.window_number = read_windows.window_number
    where 2 * read_count >= bound_count
        and (read_windows.series <> '(all)' or start_windows.window_number is not null)
),
near_windows as (
    select distinct
        series,
        window_number + distance as window_number
    from hot_windows
    cross join (values (-2), (-1), (0), (1), (2)) as around (distance)
),
candidates as (
    select
        read_id,
        at_micros,
        series,
        (at_micros - $origin_micros) / cast($window_secs * 1e6 as bigint) as window_number
    from client_reads
    where (read_kind = 'list' or (read_kind = 'watch' and is_after_cut)) and client_type <> 'apiserver'
    union all
    select
        read_id,
        at_micros,
        '(all)' as series,
        (at_micros - $origin_micros) / cast($window_secs * 1e6 as bigint) as window_number
    from client_reads
    where read_kind in ('list', 'watch') and client_type <> 'apiserver'
),
series_ids as (
    select
        series,
        median_count,
        mad_count,
        bound_count,
        row_number() over (order by series) as series_id
    from baselines
),
arrivals as (
    select
        series_id,
        read_id,
        at_micros
    from candidates
    inner join near_windows
        on near_windows.series = candidates.series and near_windows.window_number = candidates.window_number
    inner join series_ids on series_ids.series = candidates.series
),
changes as (
    select
        series_id,
        read_id,
        at_micros,
        direction,
        change,
        case when direction = 'before' then at_micros else -at_micros end
            + case when change = -1 then cast($window_secs * 1e6 as bigint) else 0 end as change_micros
    from arrivals
    cross join (values ('before', 1), ('before', -1), ('after', 1), ('after', -1)) as ends (direction, change)
),
counted as (
    select
        series_id,
        read_id,
        at_micros,
        direction,
        change,
        sum(change) over (partition by series_id, direction order by change_micros, change, read_id rows between unbounded preceding and current row) as window_read_count
    from changes
),
paired as (
    select
        series_id,
        read_id,
        at_micros,
        max(case when direction = 'before' then window_read_count end) as before_count,
        max(case when direction = 'after' then window_read_count end) as after_count
    from counted
    where change = 1
    group by series_id, read_id, at_micros
),
judged as (
    select
        paired.series_id,
        read_id,
        at_micros,
        before_count,
        after_count,
        case when before_count >= bound_count then at_micros end as hot_micros
    from paired
    inner join series_ids on series_ids.series_id = paired.series_id
),
spread as (
    select
        *,
        min(hot_micros) over (
            partition by series_id order by at_micros desc, read_id desc
            rows between unbounded preceding and current row
        ) as next_hot_micros
    from judged
),
hot as (
    select
        *,
        lag(at_micros) over (partition by series_id order by at_micros, read_id) as earlier_micros
    from spread
    where next_hot_micros - at_micros <= cast($window_secs * 1e6 as bigint)
),
islands as (
    select
        *,
        sum(case when at_micros - earlier_micros <= cast($window_secs * 1e6 as bigint) then 0 else 1 end)
            over (partition by series_id order by at_micros, read_id rows between unbounded preceding and current row) as island
    from hot
),
peaked as (
    select
        *,
        max(before_count) over (partition by series_id, island) as peak_count
    from islands
),
bounded as (
    select
        *,
        min(case when 2 * after_count >= peak_count then at_micros end) over (partition by series_id, island) as from_micros,
        max(case when 2 * before_count >= peak_count then at_micros end) over (partition by series_id, island) as to_micros
    from peaked
)
select
    case when series_ids.series = '(all)' then 'burst-of-all' else 'burst' end as pattern,
    min(read_id) over (partition by bounded.series_id, island) as episode,
    read_id,
    before_count as window_read_count,
    median_count,
    mad_count
from bounded
inner join series_ids on series_ids.series_id = bounded.series_id
where at_micros between from_micros and to_micros
order by pattern, episode, read_id;
