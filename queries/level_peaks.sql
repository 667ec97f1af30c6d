-- level_peaks: the most seats that each priority level had in use at once, on each apiserver.
-- grain:  apiserver, priority_level
-- reads:  classified_requests
-- for:    reports
-- why:    Each apiserver has seats of its own. Seats are taken when a request begins to run and given back when it ends;
--         at the same microsecond they are given back first (most_at_once is a function that comes along). The seats of
--         lists are estimated: the peak of the low estimate and that of the high one need not be at the same time.
--         Requests without an end in the log, and the short time that writes hold seats after their end, are left out,
--         so the true peak may be higher. Watches count in the high estimate only: they hold seats for a moment, and how
--         long they waited for them is not in the log.
select
    apiserver,
    priority_level,
    most_at_once(held_from_micros, held_until_micros, case when is_wait_unknown then 0 else low_seats end)
        as peak_low_seats,
    most_at_once(held_from_micros, held_until_micros, high_seats) as peak_high_seats
from classified_requests
where is_counted and not is_rejected and held_until_micros > held_from_micros
group by apiserver, priority_level
order by apiserver, priority_level;
