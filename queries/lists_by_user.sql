-- lists_by_user: which users list which resources, and with what response codes.
-- grain:  user_name, api_group, resource, code
-- reads:  requests
-- why:    By user, as that is what a FlowSchema can match, whatever program sent the LIST: user_agent_count says how
--         many stand behind it. An impersonated LIST stands under the user that sent it. Watch-lists are LISTs too,
--         counted apart; their code is 200 even if the server then cut them off. A null code: no response in the log.
with listed as (
    select
        user_name,
        api_group,
        resource,
        code,
        user_agent,
        source_ip,
        list_kind,
        scope,
        received_at
    from requests
    where list_kind is not null
)
select
    user_name,
    api_group,
    resource,
    code,
    count(*) filter (where list_kind <> 'watch_list') as list_count,
    count(*) filter (where list_kind = 'watch_list') as watch_list_count,
    count(*) filter (where scope = 'cluster') as cluster_scope_count,
    count(distinct user_agent) as user_agent_count,
    count(distinct source_ip) as source_ip_count,
    min(received_at) as first_received_at,
    max(received_at) as last_received_at
from listed
group by user_name, api_group, resource, code
order by list_count + watch_list_count desc, user_name, api_group, resource, code;
