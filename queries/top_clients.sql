-- top_clients: who sends the most requests, and for what, busiest first.
-- grain:  user_name, impersonated_user_name, user_agent, verb, api_group, resource, subresource
-- reads:  requests
-- why:    A client is a user and its user agent as the log has them; null is a group of its own (a 401 has no user).
--         The subresource is part of the grain: following pods/log lasts hours and would drown the GETs of pods.
--         A proxy sends requests on behalf of many: each impersonated user is a group of its own.
--         A watch's duration is its life, not a latency. Open requests count, but have no duration.
--         The p99 is exact: it holds 8 bytes per request, and unlike an approximate one it does not change with the
--         number of threads. For the same reason the mean is summed in whole microseconds.
--         `codes` is text, ascending, since CSV can't hold a list; codes_by_client counts them.
with sent as (
    select
        user_name,
        impersonated_user_name,
        user_agent,
        verb,
        api_group,
        resource,
        subresource,
        received_at,
        outcome,
        code,
        duration_secs,
        cast(completed_at as bigint) - cast(received_at as bigint) as duration_micros
    from requests
)
select
    user_name,
    impersonated_user_name,
    user_agent,
    verb,
    api_group,
    resource,
    subresource,
    count(*) as request_count,
    count(*) filter (where outcome = 'open') as open_count,
    min(received_at) as first_received_at,
    max(received_at) as last_received_at,
    sum(duration_micros) / 1e6 / count(duration_micros) as mean_duration_secs,
    percentile_cont(0.99) within group (order by duration_secs) as p99_duration_secs,
    array_to_string(array_agg(distinct code order by code) filter (where code is not null), ' ') as codes
from sent
group by user_name, impersonated_user_name, user_agent, verb, api_group, resource, subresource
order by request_count desc, user_name, impersonated_user_name, user_agent, verb, api_group, resource, subresource;
