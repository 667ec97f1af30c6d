-- read_windows: how many reads came in each window of time, series by series.
-- grain:  series, window_number
-- reads:  client_reads
-- for:    other queries
-- kept:   Baselines and bursts are both made from these counts.
-- params: $window_secs secs = 10, width of the window in which reads are counted
--         $origin_micros micros = 0, a day before the log begins: windows are counted from there
-- why:    A series is a client's lists of one resource, or its watches of it that follow one that was cut: those that ran
--         their course come together too, when their clients began together. The series `(all)` is of all lists and
--         watches of all clients but the apiserver's own. Windows without a read have no row; window_count says how many
--         there are between the first read of the log and the last.
with counted as (
    select
        series,
        (at_micros - $origin_micros) / cast($window_secs * 1e6 as bigint) as window_number,
        count(*) as all_count,
        count(*) filter (where read_kind = 'list' or is_after_cut) as read_count
    from client_reads
    where read_kind in ('list', 'watch') and client_type <> 'apiserver'
    group by series, window_number
),
both as (
    select
        case when kind = 'own' then series else '(all)' end as series,
        window_number,
        sum(case when kind = 'own' then read_count else all_count end) as read_count
    from counted
    cross join (values ('own'), ('all')) as kinds (kind)
    group by case when kind = 'own' then series else '(all)' end, window_number
)
select
    series,
    window_number,
    read_count,
    1 + max(window_number) over () - min(window_number) over () as window_count
from both
where read_count > 0
order by series, window_number;
