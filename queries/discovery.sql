-- discovery: who reads the API's discovery documents (/api, /apis, /openapi), and how often.
-- grain:  user_name, user_agent
-- reads:  requests
-- why:    A client without a discovery cache reads these again and again, each time in a burst of one read per group
--         and version. So median_gap_secs, over all reads of a client, is that of a burst; the period of a loop is in
--         median_same_path_gap_secs, between reads of one path from one last hop. Null without a second read.
--         A trailing slash and the query don't matter; /openapi/v3/... counts as openapi_v3; what is deeper than
--         /api/V and /apis/G/V is a resource. A client with aggregated discovery reads /api and /apis only.
with reads as (
    select
        user_name,
        user_agent,
        source_ip,
        received_at,
        code,
        path
    from requests
    where verb in ('get', 'head')
        and (starts_with(path, '/api') or starts_with(path, '/openapi/v'))
),
sorted_out as (
    select
        user_name,
        user_agent,
        source_ip,
        received_at,
        code,
        path,
        case
            when path in ('/api', '/apis') then 'root'
            when path like '/api/%' and path not like '/api/%/%' then 'group_version'
            when path like '/apis/%' and path not like '/apis/%/%' then 'group'
            when path like '/apis/%/%' and path not like '/apis/%/%/%' then 'group_version'
            when path = '/openapi/v2' then 'openapi_v2'
            when path = '/openapi/v3' or path like '/openapi/v3/%' then 'openapi_v3'
        end as discovery_kind
    from reads
),
spaced as (
    select
        user_name,
        user_agent,
        source_ip,
        received_at,
        code,
        path,
        discovery_kind,
        (
            cast(received_at as bigint)
            - lag(cast(received_at as bigint)) over (partition by user_name, user_agent order by received_at)
        ) / 1e6 as gap_secs,
        (
            cast(received_at as bigint)
            - lag(cast(received_at as bigint))
                over (partition by user_name, user_agent, source_ip, path order by received_at)
        ) / 1e6 as same_path_gap_secs
    from sorted_out
    where discovery_kind is not null
)
select
    user_name,
    user_agent,
    count(*) as request_count,
    count(*) filter (where discovery_kind = 'root') as root_count,
    count(*) filter (where discovery_kind = 'group') as group_count,
    count(*) filter (where discovery_kind = 'group_version') as group_version_count,
    count(*) filter (where discovery_kind = 'openapi_v2') as openapi_v2_count,
    count(*) filter (where discovery_kind = 'openapi_v3') as openapi_v3_count,
    count(*) filter (where code >= 400) as failed_count,
    count(distinct path) as path_count,
    count(distinct source_ip) as source_ip_count,
    min(received_at) as first_received_at,
    max(received_at) as last_received_at,
    percentile_cont(0.5) within group (order by gap_secs) as median_gap_secs,
    percentile_cont(0.5) within group (order by same_path_gap_secs) as median_same_path_gap_secs
from spaced
group by user_name, user_agent
order by request_count desc, user_name, user_agent;
