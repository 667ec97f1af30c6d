-- server_activity: what each apiserver was asked over time, and how the requests were served.
-- grain:  apiserver, bucket_at
-- reads:  client_activity
-- params: $from_micros micros = 0, the first bucket to look at, in microseconds since 1970
--         $to_micros micros = 9000000000000000, the last one
-- for:    reports
-- why:    Latency is of finished requests other than watches: the log has no more of a request that was cut off, so just
--         before an end the numbers are too good. Errors are answers of 500 and above.
select
    apiserver,
    bucket_at,
    sum(request_count) as request_count,
    sum(list_count) as list_count,
    sum(watch_count) as watch_count,
    sum(watch_list_count) as watch_list_count,
    sum(rejected_count) as rejected_count,
    sum(error_count) as error_count,
    sum(took_count) as took_count,
    sum(object_late_count + namespace_late_count + cluster_late_count) as late_count,
    sum(over_1_secs_count) as over_1_secs_count,
    sum(took_micros) / 1e6 / nullif(sum(took_count), 0) as mean_duration_secs,
    max(longest_micros) / 1e6 as longest_secs
from client_activity
where cast(bucket_at as bigint) between $from_micros and $to_micros
group by apiserver, bucket_at
order by apiserver, bucket_at;
