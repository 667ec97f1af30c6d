-- client_totals: what each client sent in all, busiest first: one row per client.
-- grain:  user_name, user_agent
-- reads:  requests
-- why:    Many requests are not a heavy load: thousands of lease renewals cost less than one LIST of all pods. So the
--         LISTs and the time spent in them stand beside the count; watch-lists are LISTs too, but how long their
--         list took, no log says. Several programs with one default user agent and one service account are one client.
--         apf_rejected_count is what API Priority and Fairness (or a server without it) turned away: 429s that neither
--         a handler nor authorization has seen (see rejected).
with sent as (
    select
        user_name,
        user_agent,
        source_ip,
        verb,
        list_kind,
        received_at,
        outcome,
        code,
        coalesce(code = 429 and reason is null and authorization_decision is null, false) as is_rejected,
        case
            when verb = 'list' then cast(completed_at as bigint) - cast(received_at as bigint)
        end as list_micros
    from requests
),
counted as (
    select
        user_name,
        user_agent,
        count(*) as request_count,
        count(*) filter (where verb = 'list') as list_count,
        count(*) filter (where list_kind = 'watch_list') as watch_list_count,
        count(*) filter (where verb = 'watch') as watch_count,
        count(*) filter (where verb in ('create', 'update', 'patch', 'delete', 'deletecollection')) as write_count,
        count(*) filter (where outcome = 'open') as open_count,
        count(*) filter (where code >= 400) as failed_count,
        count(*) filter (where is_rejected) as apf_rejected_count,
        sum(list_micros) / 1e6 as total_list_secs,
        count(distinct source_ip) as source_ip_count,
        min(received_at) as first_received_at,
        max(received_at) as last_received_at
    from sent
    group by user_name, user_agent
)
select
    user_name,
    user_agent,
    request_count,
    1.0 * request_count / sum(request_count) over () as request_share,
    list_count,
    watch_list_count,
    watch_count,
    write_count,
    open_count,
    failed_count,
    apf_rejected_count,
    total_list_secs,
    source_ip_count,
    first_received_at,
    last_received_at
from counted
order by request_count desc, user_name, user_agent;
