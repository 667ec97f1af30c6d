-- latency_by_resource: how long requests take, by verb and resource, of all clients or of some, slowest p99 first.
-- grain:  verb, api_group, resource, subresource
-- reads:  requests
-- params: $user_agent_like pattern = %, which user agents: % is any text and _ any character, as in kubectl/%
-- why:    A percentile of all clients can't be had from those of each (see top_clients), hence the parameter.
--         Watches and long-running subresources are left out: their duration is a life. Every other request with an
--         end counts, refused ones too, and these are fast: see failed_count. A LIST of a namespace and one of the
--         cluster fall together here (see latency_by_scope).
with sent as (
    select
        verb,
        api_group,
        resource,
        subresource,
        user_name,
        user_agent,
        outcome,
        code,
        duration_secs,
        cast(completed_at as bigint) - cast(received_at as bigint) as duration_micros
    from requests
    where resource is not null
        and verb not in ('watch', 'proxy')
        and coalesce(subresource not in ('attach', 'exec', 'log', 'portforward', 'proxy'), true)
        and coalesce(user_agent, '') like $user_agent_like
)
select
    verb,
    api_group,
    resource,
    subresource,
    count(*) as request_count,
    count(*) filter (where outcome = 'open') as open_count,
    count(*) filter (where code >= 400) as failed_count,
    count(distinct user_agent) as user_agent_count,
    sum(duration_micros) / 1e6 / count(duration_micros) as mean_duration_secs,
    percentile_cont(0.5) within group (order by duration_secs) as p50_duration_secs,
    percentile_cont(0.99) within group (order by duration_secs) as p99_duration_secs,
    max(duration_secs) as max_duration_secs
from sent
group by verb, api_group, resource, subresource
order by p99_duration_secs desc nulls last, request_count desc, verb, api_group, resource, subresource;
