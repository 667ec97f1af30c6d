-- list_urls: each client's most expensive LISTs by URL, with the slowest one's place in the log: evidence to pass on.
-- grain:  user_name, user_agent, list_url
-- reads:  requests
-- params: $per_client_count count = 3, most URLs of a client
-- why:    A URL is one here whatever namespace, page, version, or timeout stands in it, and whatever name a field
--         selector asks for: {namespace} and * take their place, but resourceVersion=0, which asks for something
--         else, stays. What is left is what the program's source says. Most expensive is by the time spent in all,
--         then by count: the log knows no sizes. request_uri, audit_id and the place are those of the slowest LIST.
--         Watch-lists are here too, but without a duration, as theirs is the watch's life.
with listed as (
    select
        user_name,
        user_agent,
        source_ip,
        pod_name,
        namespace,
        list_kind,
        request_uri,
        audit_id,
        source_file,
        source_line,
        received_at,
        outcome,
        code,
        case when list_kind <> 'watch_list' then duration_secs end as duration_secs,
        case
            when list_kind <> 'watch_list' then cast(completed_at as bigint) - cast(received_at as bigint)
        end as duration_micros,
        regexp_replace(
            regexp_replace(
                regexp_replace(
                    regexp_replace(request_uri, '^(/apis?/[^?]*)/namespaces/[^/?]+/', '\1/namespaces/{namespace}/'),
                    '([?&](?:continue|timeout|timeoutSeconds)=)[^&]+',
                    '\1*',
                    'g'
                ),
                '([?&]resourceVersion=)[1-9][^&]*',
                '\1*'
            ),
            '([?&]fieldSelector=(?:metadata\.name|metadata\.namespace|spec\.nodeName)(?:=|%3[Dd]))[^&%,]*',
            '\1*'
        ) as list_url
    from requests
    where list_kind is not null
),
summed as (
    select
        user_name,
        user_agent,
        list_url,
        count(*) as list_count,
        count(*) filter (where outcome = 'open') as open_count,
        count(*) filter (where code >= 400) as failed_count,
        count(distinct namespace) as namespace_count,
        count(distinct source_ip) as source_ip_count,
        sum(duration_micros) / 1e6 as total_duration_secs,
        sum(duration_micros) / 1e6 / count(duration_micros) as mean_duration_secs,
        percentile_cont(0.99) within group (order by duration_secs) as p99_duration_secs,
        max(duration_secs) as max_duration_secs,
        min(received_at) as first_received_at,
        max(received_at) as last_received_at,
        first_value(request_uri order by duration_secs desc nulls last, received_at, source_file, source_line)
            as request_uri,
        first_value(audit_id order by duration_secs desc nulls last, received_at, source_file, source_line)
            as audit_id,
        first_value(source_file order by duration_secs desc nulls last, received_at, source_file, source_line)
            as source_file,
        first_value(source_line order by duration_secs desc nulls last, received_at, source_file, source_line)
            as source_line
    from listed
    group by user_name, user_agent, list_url
),
ranked as (
    select
        *,
        row_number() over (
            partition by user_name, user_agent
            order by total_duration_secs desc nulls last, list_count desc, list_url
        ) as client_rank
    from summed
)
select
    user_name,
    user_agent,
    client_rank,
    list_url,
    list_count,
    open_count,
    failed_count,
    namespace_count,
    source_ip_count,
    total_duration_secs,
    mean_duration_secs,
    p99_duration_secs,
    max_duration_secs,
    first_received_at,
    last_received_at,
    request_uri,
    audit_id,
    source_file,
    source_line
from ranked
where client_rank <= $per_client_count
order by total_duration_secs desc nulls last, list_count desc, user_name, user_agent, list_url;
