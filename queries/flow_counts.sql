-- flow_counts: how many requests there are of each kind that API Priority and Fairness can distinguish.
-- grain:  flow_key
-- reads:  flow_requests
-- for:    reports
-- why:    What stands behind a key is in flows, and in the requests themselves.
select
    flow_key,
    count(*) as request_count
from flow_requests
group by flow_key
order by request_count desc, flow_key;
