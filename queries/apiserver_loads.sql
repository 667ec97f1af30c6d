-- apiserver_loads: how evenly the load is spread over the apiservers: requests, LISTs, open watches and clients of each.
-- grain:  apiserver
-- reads:  requests
-- why:    A client keeps its connection, and so its apiserver, for as long as it can: after a restart the others hold
--         all the watches, and nothing moves them back. Shares are of all apiservers whose logs were given, so one
--         that was left out skews them, and so do logs of different spans: see log_secs, from the first thing logged
--         to the last. Without a name for each apiserver all logs are one.
--         mean_open_watch_count is the watches' time within the log over the log's span. One without an end counts to
--         the log's end: after a kill that is too long. One that began before the log and hasn't ended is in no line.
--         A client is a user and its user agent.
with marked as (
    select
        apiserver,
        user_name,
        user_agent,
        source_ip,
        verb,
        list_kind,
        code,
        received_at,
        coalesce(started_at, completed_at, received_at) as logged_at,
        coalesce(completed_at, started_at, received_at) as ended_at,
        coalesce(verb = 'watch' and (code < 400 or code is null), false) as is_watch,
        coalesce(code = 429 and reason is null and authorization_decision is null, false) as is_rejected,
        started_at,
        completed_at
    from requests
),
grouped as (
    select
        apiserver,
        user_name,
        user_agent,
        source_ip,
        is_watch,
        case when is_watch then cast(coalesce(started_at, received_at) as bigint) end as opened_micros,
        case when is_watch then cast(completed_at as bigint) end as closed_micros,
        count(*) as request_count,
        count(*) filter (where verb = 'list') as list_count,
        count(*) filter (where list_kind = 'watch_list') as watch_list_count,
        count(*) filter (where verb in ('create', 'update', 'patch', 'delete', 'deletecollection')) as write_count,
        count(*) filter (where is_rejected) as apf_rejected_count,
        min(logged_at) as first_logged_at,
        max(ended_at) as last_logged_at
    from marked
    group by apiserver, user_name, user_agent, source_ip, is_watch, opened_micros, closed_micros
),
spanned as (
    select
        *,
        concat_ws(' ', user_name, user_agent) as client,
        cast(min(first_logged_at) over (partition by apiserver) as bigint) as log_from_micros,
        cast(max(last_logged_at) over (partition by apiserver) as bigint) as log_to_micros
    from grouped
),
summed as (
    select
        apiserver,
        log_from_micros,
        log_to_micros,
        nullif(log_to_micros - log_from_micros, 0) / 1e6 as log_secs,
        sum(request_count) as request_count,
        sum(list_count) as list_count,
        sum(watch_list_count) as watch_list_count,
        sum(write_count) as write_count,
        sum(apf_rejected_count) as apf_rejected_count,
        coalesce(sum(request_count) filter (where is_watch), 0) as opened_watch_count,
        coalesce(
            sum(
                request_count
                * greatest(
                    coalesce(closed_micros, log_to_micros) - greatest(opened_micros, log_from_micros), 0
                )
            ) filter (where is_watch),
            0
        ) as watch_micros,
        count(distinct client) as client_count,
        count(distinct source_ip) as source_ip_count
    from spanned
    group by apiserver, log_from_micros, log_to_micros
),
rated as (
    select
        *,
        cast(round(watch_micros / log_secs) as bigint) as open_millionths
    from summed
)
select
    apiserver,
    log_secs,
    request_count,
    1.0 * request_count / sum(request_count) over () as request_share,
    request_count / log_secs as mean_rps,
    list_count,
    1.0 * list_count / nullif(sum(list_count) over (), 0) as list_share,
    watch_list_count,
    write_count,
    apf_rejected_count,
    opened_watch_count,
    watch_micros / 1e6 / log_secs as mean_open_watch_count,
    1.0 * open_millionths / nullif(sum(open_millionths) over (), 0) as open_watch_share,
    client_count,
    source_ip_count
from rated
order by request_count desc, apiserver;
