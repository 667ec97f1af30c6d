-- level_rejections: how many requests each apiserver rejected, by priority level.
-- grain:  apiserver, priority_level
-- reads:  classified_requests
-- for:    reports
-- why:    Each apiserver has its own seats: one may reject what the others have seats for.
select
    apiserver,
    priority_level,
    count(*) as request_count,
    count(*) filter (where is_rejected) as rejected_count
from classified_requests
where is_counted
group by apiserver, priority_level
order by rejected_count desc, request_count desc, apiserver, priority_level;
