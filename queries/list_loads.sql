-- list_loads: how much each client had in flight around a moment; what was in flight nearer to it counts for more.
-- grain:  apiserver, client_type, client, verb, api_group, resource
-- reads:  client_reads
-- params: $at_micros micros = 0, the moment, in microseconds since 1970
--         $from_micros micros = 0, the first instant to look at, in microseconds since 1970
--         $to_micros micros = 9000000000000000, the last one
--         $half_life_secs secs = 20, so far from the moment a second in flight counts half
--         $back_micros micros = 0, when the server was back after it ended; 0 if it didn't end
--         $wave_secs secs = 60, how long a wave is looked at
-- for:    reports
-- why:    Who had most in flight at one instant need not have had most in the last seconds, and where the policy omits
--         RequestReceived the last seconds are what is missing. So this is LISTs in flight times time, by which those that
--         have no size can be ranked too: inflight_secs as it is, near_secs with each second weighed by its distance from the
--         moment. near_unknown_secs is the part of that whose size nothing tells: no bound, or two bounds a decade apart.
--         The byte seconds are of the estimate's two ends; where only the low end is known, both are of that. LISTs that wait in
--         a queue aren't in flight yet. LISTs of the apiserver itself and those that were refused are left out; those it failed at had been in flight. returned_count is
--         what was asked for again within wave_secs of the server's return, be it refused: LISTs that an end cut off often have
--         no line, and whose they were shows in who asks again. Deletions of
--         collections (deletecollection) are here because they read them; one without an end goes on until the moment, as the
--         server's request timeout doesn't end it, unless the server started again in between.
with starts as (
    select
        apiserver,
        max(at_micros) as start_micros
    from client_reads
    where is_startup and at_micros <= $at_micros
    group by apiserver
),
reads as (
    select
        client_reads.apiserver,
        client_type,
        client,
        user_name,
        instance,
        verb,
        api_group,
        resource,
        greatest(holds_from_micros, $from_micros) as from_micros,
        least(
            case
                when read_kind = 'deletion' and outcome = 'open' and at_micros > coalesce(start_micros, 0)
                    then greatest(end_micros, $at_micros)
                else end_micros
            end,
            $to_micros
        ) as to_micros,
        coalesce(
            $back_micros > 0
            and at_micros >= $back_micros
            and at_micros < $back_micros + cast($wave_secs * 1e6 as bigint),
            false
        ) as is_return,
        coalesce(code between 400 and 499, false) as is_refused,
        held_low_bytes,
        held_high_bytes
    from client_reads
    left join starts on starts.apiserver is not distinct from client_reads.apiserver
    where (verb = 'list' or read_kind = 'deletion')
        and read_kind in ('list', 'page', 'deletion')
        and client_type <> 'apiserver'
),
timed as (
    select
        *,
        (to_micros - from_micros) / 1e6 as secs,
        case
            when from_micros <= $at_micros then power(2.0, (from_micros - $at_micros) / 1e6 / $half_life_secs)
            else 2.0 - power(2.0, ($at_micros - from_micros) / 1e6 / $half_life_secs)
        end as from_weight,
        case
            when to_micros <= $at_micros then power(2.0, (to_micros - $at_micros) / 1e6 / $half_life_secs)
            else 2.0 - power(2.0, ($at_micros - to_micros) / 1e6 / $half_life_secs)
        end as to_weight
    from reads
    where to_micros >= from_micros and not is_refused
),
weighed as (
    select
        *,
        (to_weight - from_weight) * $half_life_secs / ln(2.0) as near_secs,
        held_low_bytes is null
        or held_high_bytes is null
        or (held_high_bytes > 1000000 and held_high_bytes / 10 >= held_low_bytes) as is_unknown
    from timed
),
loads as (
    select
        apiserver,
        client_type,
        client,
        verb,
        api_group,
        resource,
        count(*) as list_count,
        count(distinct concat_ws(' ', user_name, instance)) as instance_count,
        sum(secs) as inflight_secs,
        sum(near_secs) as near_secs,
        coalesce(sum(near_secs) filter (where is_unknown), 0.0) as near_unknown_secs,
        coalesce(sum(near_secs * held_low_bytes), 0.0) as near_low_byte_secs,
        coalesce(sum(near_secs * coalesce(held_high_bytes, held_low_bytes)), 0.0) as near_high_byte_secs
    from weighed
    group by apiserver, client_type, client, verb, api_group, resource
),
returned as (
    select
        apiserver,
        client_type,
        client,
        verb,
        api_group,
        resource,
        count(*) as returned_count,
        count(distinct concat_ws(' ', user_name, instance)) as returned_instance_count
    from reads
    where is_return
    group by apiserver, client_type, client, verb, api_group, resource
)
select
    loads.apiserver,
    loads.client_type,
    loads.client,
    loads.verb,
    loads.api_group,
    loads.resource,
    list_count,
    instance_count,
    inflight_secs,
    near_secs,
    near_unknown_secs,
    near_low_byte_secs,
    near_high_byte_secs,
    coalesce(returned_count, 0) as returned_count,
    coalesce(returned_instance_count, 0) as returned_instance_count
from loads
left join returned
    on (returned.apiserver is not distinct from loads.apiserver)
    and returned.client_type = loads.client_type
    and returned.client = loads.client
    and returned.verb = loads.verb
    and (returned.api_group is not distinct from loads.api_group)
    and (returned.resource is not distinct from loads.resource)
order by
    near_secs desc, loads.apiserver, loads.client_type, loads.client, loads.verb, loads.api_group, loads.resource;
