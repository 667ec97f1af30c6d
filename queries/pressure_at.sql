-- pressure_at: the clients whose LISTs were in flight at one moment, what they held, and what they requested just before.
-- grain:  apiserver, client_type, client, verb, api_group, resource
-- reads:  client_reads
-- for:    reports
-- params: $at_micros micros = 0, the moment, in microseconds since 1970
--         $before_secs secs = 60, how far back recent lists reach
-- why:    Lists that were in flight when a server was killed have no end in the log, and where the policy omits
--         RequestReceived no line at all. So what was answered in the last minute before stands beside what is known to
--         have been in flight: a client that looped until then was looping at that moment too. Those of unknown size (unknown_count)
--         are not in the bytes; where the size of one is known only at least, inflight_high_bytes is null.
--         One that waits in a queue holds nothing yet, and isn't counted as in flight. Deletions of
--         collections (deletecollection) are here as they read them first, and those without an end until a server starts again.
with starts as (
    select
        apiserver,
        max(at_micros) as start_micros
    from client_reads
    where is_startup and at_micros <= $at_micros
    group by apiserver
)
select
    apiserver,
    client_type,
    client,
    verb,
    api_group,
    resource,
    count(distinct case when is_inflight then concat_ws(' ', user_name, instance) end) as inflight_instance_count,
    count(*) filter (where is_inflight) as inflight_count,
    count(*) filter (where is_inflight and outcome = 'open') as open_count,
    count(*) filter (where is_inflight and held_low_bytes is null) as unknown_count,
    sum(held_low_bytes) filter (where is_inflight) as inflight_low_bytes,
    case
        when
            count(held_high_bytes) filter (where is_inflight and held_low_bytes is not null)
            = count(held_low_bytes) filter (where is_inflight)
            then sum(held_high_bytes) filter (where is_inflight and held_low_bytes is not null)
    end as inflight_high_bytes,
    count(*) filter (where is_recent) as recent_count,
    count(distinct case when is_recent then concat_ws(' ', user_name, instance) end) as recent_instance_count,
    sum(response_low_bytes) filter (where is_recent) as recent_low_bytes,
    sum(response_high_bytes) filter (where is_recent) as recent_high_bytes,
    max(received_at) as last_received_at
from (
    select
        client_reads.*,
        holds_from_micros <= $at_micros
        and (
            end_micros >= $at_micros
            or (read_kind = 'deletion' and outcome = 'open' and at_micros > coalesce(start_micros, 0))
        ) as is_inflight,
        at_micros <= $at_micros and at_micros > $at_micros - cast($before_secs * 1e6 as bigint) as is_recent
    from client_reads
    left join starts on starts.apiserver is not distinct from client_reads.apiserver
    where (verb = 'list' or read_kind = 'deletion')
        and read_kind in ('list', 'page', 'deletion')
        and client_type <> 'apiserver'
        and (code is null or code < 400)
) as lists
where is_inflight or is_recent
group by apiserver, client_type, client, verb, api_group, resource
order by
    inflight_high_bytes desc nulls last, inflight_count desc, recent_high_bytes desc nulls last, recent_count desc,
    apiserver, client_type, client, verb, api_group, resource;
