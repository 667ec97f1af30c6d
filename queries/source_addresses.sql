-- source_addresses: which addresses the requests came from, and for whom a proxy says it forwarded them.
-- grain:  source_ip, first_source_ip
-- reads:  requests
-- why:    Only the last hop, source_ip, is what the server saw: a node, a pod, a load balancer, a proxy. The rest of
--         sourceIPs is what X-Forwarded-For claimed, which anyone can write; first_source_ip is the first of them, so
--         the client if every proxy on the way is honest, and the last hop itself where there is no proxy.
--         Requests that failed authentication are counted apart, as they have no user: take unauthorized_count off
--         for what got in. source_node_count is the number of nodes whose kubelets or bound tokens came from here:
--         over 1 says that something stands in between.
with sent as (
    select
        source_ip,
        source_ips[1] as first_source_ip,
        user_name,
        user_agent,
        verb,
        received_at,
        code,
        case
            when starts_with(user_name, 'system:node:') then substr(user_name, 13)
            else node_name
        end as sent_from_node
    from requests
)
select
    source_ip,
    first_source_ip,
    count(*) as request_count,
    count(*) filter (where code = 401) as unauthorized_count,
    count(*) filter (where verb = 'list') as list_count,
    count(*) filter (where verb in ('create', 'update', 'patch', 'delete', 'deletecollection')) as write_count,
    count(distinct user_name) as user_count,
    count(distinct user_agent) as user_agent_count,
    count(distinct sent_from_node) as source_node_count,
    min(received_at) as first_received_at,
    max(received_at) as last_received_at
from sent
group by source_ip, first_source_ip
order by request_count desc, source_ip, first_source_ip;
