-- signs_of_life: the seconds in which an apiserver logged anything, with its first and its last event in each.
-- grain:  apiserver, second
-- reads:  requests
-- for:    other queries
-- kept:   Ends of servers are looked for in these rows.
-- why:    failed_check_micros is the first health check in that second that the server answered with 500.
--         A server's last sign of life is an event of any kind: a start or an end of a response, or a receipt. A request that
--         was answered tells by its end that the server lived then, by its receipt that it did before. Seconds without a row
--         are silent: the server was down or idle, or a piece of the log is missing.
with seen as (
    select
        apiserver,
        cast(greatest(received_at, started_at, completed_at) as bigint) as last_micros,
        code = 500 and split_part(path, '/', 2) in ('healthz', 'livez', 'readyz') as is_failed_check
    from requests
),
seconds as (
    select
        apiserver,
        last_micros / 1000000 as second,
        min(last_micros) as first_micros,
        max(last_micros) as last_micros,
        min(case when is_failed_check then last_micros end) as failed_check_micros
    from seen
    where last_micros is not null
    group by apiserver, last_micros / 1000000
)
select
    apiserver,
    second,
    first_micros,
    last_micros,
    failed_check_micros,
    lag(last_micros) over (partition by apiserver order by second) as before_micros
from seconds;
