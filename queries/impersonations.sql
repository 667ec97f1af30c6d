-- impersonations: on whose behalf clients send requests: each impersonated user with the client that acted for it.
-- grain:  caller_key, impersonated_user_name
-- reads:  requests, clients
-- why:    A proxy (Rancher, a dashboard, an API gateway) authenticates as itself and impersonates the person. API Priority and
--         Fairness sees the person and the person's groups; user_name is who sent it. The impersonated user is in the log
--         only from the stage after RequestReceived on, and never where the impersonation was refused: see denied_count,
--         of requests of the same client, which count once for each of its impersonated users.
with denied as (
    select
        caller_key,
        count(*) as denied_count
    from requests
    where is_impersonation_denied
    group by caller_key
),
acted as (
    select
        caller_key,
        impersonated_user_name,
        any_value(user_name) as user_name,
        any_value(user_agent) as user_agent,
        count(*) as request_count,
        count(*) filter (where verb = 'list') as list_count,
        count(*) filter (where verb = 'watch') as watch_count,
        count(*) filter (where verb in ('create', 'update', 'patch', 'delete', 'deletecollection')) as write_count,
        min(received_at) as first_received_at,
        max(received_at) as last_received_at
    from requests
    where impersonated_user_name is not null
    group by caller_key, impersonated_user_name
)
select
    acted.caller_key,
    coalesce(client_type, 'unknown') as client_type,
    coalesce(client, acted.user_name, '(unauthenticated)') as client,
    acted.user_name,
    acted.user_agent,
    impersonated_user_name,
    request_count,
    list_count,
    watch_count,
    write_count,
    coalesce(denied_count, 0) as denied_count,
    first_received_at,
    last_received_at
from acted
left join clients on clients.caller_key = acted.caller_key
left join denied on denied.caller_key = acted.caller_key
order by request_count desc, client_type, client, acted.user_name, acted.user_agent, impersonated_user_name;
