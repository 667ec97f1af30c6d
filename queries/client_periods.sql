-- client_periods: what each client requested in a period and in the one before, and what that cost the server.
-- grain:  client_type, client, is_this
-- reads:  client_activity, clients, flows
-- params: $from_micros micros = 0, where the period before begins, in microseconds since 1970
--         $period_micros micros = 0, where this period begins, a whole hour
--         $to_micros micros = 9000000000000000, where it ends
-- for:    reports
-- why:    is_this is true for this period, false for the one before; a client without a row in one of them wasn't there,
--         as far as the log tells. Seat-seconds are a range, since seats of lists depend on sizes that no log has, and waits of
--         watches are never logged. What bypasses API Priority and Fairness (long-running requests other than watches)
--         takes no seats. Requests are late by upstream's objectives (see client_activity).
with placed as (
    select
        client_activity.*,
        coalesce(client_type, 'unknown') as client_type,
        coalesce(client, user_name, '(unauthenticated)') as client,
        cast(bucket_at as bigint) >= $period_micros as is_this,
        case when is_outside then 0 else low_seats end as low_seats,
        case when is_outside then 0 else high_seats end as high_seats
    from client_activity
    left join clients on clients.caller_key = client_activity.caller_key
    left join flows on flows.flow_key = client_activity.flow_key
    where cast(bucket_at as bigint) >= $from_micros and cast(bucket_at as bigint) < $to_micros
)
select
    client_type,
    client,
    is_this,
    sum(request_count) as request_count,
    sum(list_count) as list_count,
    sum(watch_count) as watch_count,
    sum(watch_list_count) as watch_list_count,
    sum(write_count) as write_count,
    sum(rejected_count) as rejected_count,
    sum(error_count) as error_count,
    sum(took_count) as took_count,
    sum(object_took_count) as object_took_count,
    sum(namespace_took_count) as namespace_took_count,
    sum(cluster_took_count) as cluster_took_count,
    sum(object_late_count) as object_late_count,
    sum(namespace_late_count) as namespace_late_count,
    sum(cluster_late_count) as cluster_late_count,
    sum(sure_held_micros * low_seats) / 1e6 as low_seat_secs,
    sum(held_micros * high_seats) / 1e6 as high_seat_secs,
    count(distinct bucket_at) as bucket_count,
    min(bucket_at) as first_bucket_at,
    max(bucket_at) as last_bucket_at
from placed
group by client_type, client, is_this
order by request_count desc, client_type, client, is_this;
