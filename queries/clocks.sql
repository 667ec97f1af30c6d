-- clocks: LISTs that clients repeat at fixed intervals, by client and resource, with the interval.
-- grain:  client_type, client, api_group, resource, list_kind
-- reads:  polls
-- for:    reports
-- why:    A poll is one instance that lists the same again and again; its clock is regular if the middle half of its periods
--         lies within a tenth of their median. The period is the median over regular polls; it is null where there is none,
--         as then the client lists when it has a reason to. Cron jobs and scripts show here, and informers do not.
select
    client_type,
    client,
    api_group,
    resource,
    list_kind,
    count(*) as poll_count,
    count(*) filter (where mad_period_secs <= 0.1 * period_secs) as regular_poll_count,
    percentile_cont(0.5) within group (order by period_secs) filter (where mad_period_secs <= 0.1 * period_secs)
        as period_secs,
    sum(request_count) as request_count,
    sum(request_count) filter (where mad_period_secs <= 0.1 * period_secs) as regular_request_count,
    sum(response_low_bytes) as response_low_bytes,
    sum(response_high_bytes) as response_high_bytes
from polls
group by client_type, client, api_group, resource, list_kind
order by request_count desc, client_type, client, api_group, resource, list_kind;
