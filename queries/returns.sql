-- returns: which clients came back first after an apiserver started, and with how many requests.
-- grain:  client_type, client
-- reads:  client_reads
-- params: $start_micros micros = 0, when the server was first seen again, in microseconds since 1970
--         $wave_secs secs = 60, how long a wave is looked at
--         $server text = *, the apiserver; of one without a name the empty text; * for all
-- for:    reports
-- why:    A server that was killed is met by everybody at once: the second wave, which may kill it again. A client's own
--         retries lengthen it. What was refused (429) comes again. Bytes are what its lists returned, as far as their size
--         is known; list_count counts watch-lists too, as they return the same.
with waves as (
    select
        client_type,
        client,
        user_name,
        instance,
        at_micros,
        end_micros,
        verb,
        read_kind,
        code,
        response_low_bytes,
        response_high_bytes
    from client_reads
    where at_micros >= $start_micros
        and at_micros < $start_micros + cast($wave_secs * 1e6 as bigint)
        and $server in ('*', coalesce(apiserver, ''))
        and client_type <> 'apiserver'
)
select
    client_type,
    client,
    arrow_cast(min(at_micros), 'Timestamp(Microsecond, Some("UTC"))') as first_received_at,
    (min(at_micros) - $start_micros) / 1e6 as first_secs,
    count(distinct concat_ws(' ', user_name, instance)) as instance_count,
    count(*) as request_count,
    count(*) filter (where read_kind = 'list') as list_count,
    count(*) filter (where verb = 'watch') as watch_count,
    count(*) filter (where code = 429) as rejected_count,
    count(*) filter (where code >= 500) as error_count,
    most_at_once(
        at_micros, case when verb = 'list' then end_micros end, case when verb = 'list' then 1 else 0 end
    ) as peak_list_count,
    sum(response_low_bytes) as response_low_bytes,
    case when count(response_high_bytes) = count(response_low_bytes) then sum(response_high_bytes) end as response_high_bytes
from waves
group by client_type, client
order by list_count desc, request_count desc, client_type, client;
