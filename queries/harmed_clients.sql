-- harmed_clients: how each client's requests were served in a span of time, compared with the rest of the log.
-- grain:  client_type, client
-- reads:  client_activity, clients
-- params: $from_micros micros = 0, where the span begins, in microseconds since 1970
--         $to_micros micros = 9000000000000000, where it ends
--         $first_micros micros = 0, where the time asked for begins: of what was received before, only the longest is there
--         $calm_micros micros = 0, from when on the time after it is a usual one again; buckets in between count as neither
-- for:    reports
-- why:    Who is late, refused or cut off in a storm need not be who storms: whoever shares the server suffers. A client that
--         is late now as it always is was not harmed by what happened now; so the same is counted outside of the span.
--         A request is late that took longer than its objective (see client_activity). Outside means before it, and
--         after it once the clients have recovered: right after an end everybody is late. Buckets count by where they begin.
with placed as (
    select
        client_activity.*,
        object_late_count + namespace_late_count + cluster_late_count as late_count,
        coalesce(client_type, 'unknown') as client_type,
        coalesce(client, user_name, '(unauthenticated)') as client,
        cast(bucket_at as bigint) between $from_micros and $to_micros as is_within,
        cast(bucket_at as bigint) between $first_micros and $from_micros - 1
        or cast(bucket_at as bigint) > greatest($to_micros, $calm_micros) as is_usual
    from client_activity
    left join clients on clients.caller_key = client_activity.caller_key
)
select
    client_type,
    client,
    coalesce(sum(request_count) filter (where is_within), 0) as request_count,
    coalesce(sum(list_count) filter (where is_within), 0) as list_count,
    coalesce(sum(late_count) filter (where is_within), 0) as late_count,
    coalesce(sum(rejected_count) filter (where is_within), 0) as rejected_count,
    coalesce(sum(error_count) filter (where is_within), 0) as error_count,
    coalesce(sum(open_count) filter (where is_within), 0) as open_count,
    max(longest_micros) filter (where is_within) / 1e6 as longest_secs,
    coalesce(sum(request_count) filter (where is_usual), 0) as otherwise_request_count,
    coalesce(sum(late_count + rejected_count + error_count) filter (where is_usual), 0) as otherwise_harmed_count
from placed
group by client_type, client
having sum(request_count) filter (where is_within) > 0
order by late_count + rejected_count + error_count + open_count desc, client_type, client;
