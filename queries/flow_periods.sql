-- flow_periods: objects created and deleted by requests that API Priority and Fairness treats alike, in a period and before.
-- grain:  flow_key, is_this
-- reads:  client_activity
-- params: $from_micros micros = 0, where the period before begins, in microseconds since 1970
--         $period_micros micros = 0, where this period begins
--         $to_micros micros = 9000000000000000, where it ends
-- for:    reports
-- why:    What a flow_key stands for tells the resource, so these rows say by how much collections grew. What deletecollection
--         or a time to live removes is in no line, so the growth of pods or events may be far less.
select
    flow_key,
    cast(bucket_at as bigint) >= $period_micros as is_this,
    sum(created_count) as created_count,
    sum(deleted_count) as deleted_count
from client_activity
where cast(bucket_at as bigint) >= $from_micros and cast(bucket_at as bigint) < $to_micros
group by flow_key, cast(bucket_at as bigint) >= $period_micros
having sum(created_count) + sum(deleted_count) > 0
order by flow_key, is_this;
