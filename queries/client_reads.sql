-- client_reads: the reads of collections, each with its client, its estimated cost, and its instance's previous requests.
-- grain:  read_id
-- reads:  collection_reads, clients, list_costs
-- for:    other queries
-- kept:   Every pattern is looked for in these rows.
-- params: $max_open_secs secs = 60, longest that a read without an end is taken to have been in flight
--         $timed_out_secs secs = 59.5, a LIST that took so long was cut off at the server's request timeout
-- why:    A read without an end was in flight until the server next served something while starting, or the log ended, or
--         the server's own limit (60 s by default) was reached, whichever came first. One whose end the policy leaves out
--         (outcome unknown) counts as a read, but was in flight for no time that is known, and held an unknown amount.
--         A watch's own interval is its life. A
--         deletecollection goes on after the limit, though its client has long got a 504. `is_cut_by_client` is whether a
--         watch lived as long as the `timeout` that its client put into the URI, and not as long as the timeoutSeconds that
--         it asked for: the client cuts its own.
--         `holds_from_micros` is when a LIST began to hold memory: in a queue of API Priority and Fairness it holds none.
--         The same read again has the same repeat_key: `since_same_secs` is the time since the same instance last asked
--         the same, `since_same_end_secs` since that was answered (negative while it still was in flight), and
--         `is_after_failure` whether it had failed: with an error, or as a LIST that reached the 60 s limit, which ends
--         with 200 all the same. `is_after_cut` is whether it follows a watch of the same that was cut off before its time,
--         `is_after_open` one of the same server that has no end at all. What was refused returned nothing, and held
--         nothing unless the server failed at it. `series` is a client's reads of a kind, of one resource. What only a few
--         of them are asked for (audit_id, user_agent, where they stand) is in collection_reads, under
--         request_key = read_id. Windows run over narrow rows, and are joined back: wide ones are slow to sort. One runs
--         over all rows in one order, with a look at whether the neighbour is of the same key: a window for each of a
--         hundred thousand keys takes seconds, and one for all keeps one core only. DataFusion looks up neighbours row by row
--         while rows come in, unless something is asked of all rows of the part: hence the count, which is always over
--         1 where there is a neighbour. `ending` is two in one: 1 for a failure, 2 for a cut.
with servers as (
    select
        apiserver,
        cast(max(greatest(received_at, started_at, completed_at)) as bigint) as last_micros
    from collection_reads
    group by apiserver
),
cuts as (
    select
        request_key,
        least(
            case
                when verb <> 'deletecollection' then cast(received_at as bigint) + cast($max_open_secs * 1e6 as bigint)
            end,
            last_micros,
            min(case when is_startup then cast(received_at as bigint) end) over (
                partition by collection_reads.apiserver order by received_at desc, request_key
                rows between unbounded preceding and 1 preceding
            )
        ) as cut_micros
    from collection_reads
    inner join servers on (servers.apiserver is not distinct from collection_reads.apiserver)
    where completed_at is null or is_startup
),
narrow as (
    select
        collection_reads.request_key,
        repeat_key,
        collection_reads.apiserver,
        cast(received_at as bigint) as at_micros,
        coalesce(
            cast(completed_at as bigint), case when outcome = 'unknown' then cast(received_at as bigint) else cut_micros end
        ) as ended_micros,
        case
            when verb = 'watch' and outcome = 'complete' and code < 400 then
                (cast(completed_at as bigint) - cast(coalesce(started_at, received_at) as bigint)) / 1e6
        end as lifetime_secs,
        coalesce(code >= 400 or (verb = 'list' and duration_secs >= $timed_out_secs), false) as is_failed,
        case when verb = 'watch' and outcome = 'open' then coalesce(collection_reads.apiserver, '') end as open_on,
        cast(timeout_secs as double) as timeout_secs
    from collection_reads
    left join cuts on cuts.request_key = collection_reads.request_key
),
bounded as (
    select
        *,
        greatest(at_micros, ended_micros) as end_micros,
        cast(is_failed as int)
        + 2 * cast(open_on is not null or coalesce(lifetime_secs < 0.9 * timeout_secs - 1.0, false) as int) as ending,
        repeat_key % 16 as repeat_part
    from narrow
),
paired as (
    select
        *,
        count(*) over by_repeat > 1 and lag(repeat_key) over by_repeat = repeat_key as has_same,
        lag(at_micros) over by_repeat as same_at_micros,
        lag(end_micros) over by_repeat as same_end_micros,
        lag(ending) over by_repeat as same_ending,
        lag(open_on) over by_repeat = coalesce(apiserver, '') as is_after_open
    from bounded
    window by_repeat as (
        partition by repeat_part order by repeat_key, at_micros, request_key
        rows between unbounded preceding and unbounded following
    )
),
followed as (
    select
        request_key,
        at_micros,
        end_micros,
        lifetime_secs,
        is_failed,
        case when has_same then same_at_micros end as same_at_micros,
        case when has_same then same_end_micros end as same_end_micros,
        case when has_same then same_ending % 2 = 1 end as is_after_failure,
        coalesce(has_same and same_ending >= 2, false) as is_after_cut,
        coalesce(has_same and is_after_open, false) as is_after_open
    from paired
)
select
    followed.request_key as read_id,
    at_micros,
    end_micros,
    least(
        end_micros, at_micros + cast(coalesce(latency_apf_queue_wait_secs, 0) * 1e6 as bigint)
    ) as holds_from_micros,
    received_at,
    apiserver,
    collection_reads.user_name,
    coalesce(client_type, 'unknown') as client_type,
    coalesce(client, collection_reads.user_name, '(unauthenticated)') as client,
    concat_ws(' ', client_type, client, read_kind, resource, nullif(api_group, '')) as series,
    instance,
    repeat_key,
    collection_key,
    read_kind,
    verb,
    api_group,
    resource,
    namespace,
    scope,
    list_kind,
    continue_revision,
    has_selector,
    is_node_scoped,
    outcome,
    code,
    duration_secs,
    lifetime_secs,
    timeout_secs,
    coalesce(
        lifetime_secs < 0.9 * timeout_secs - 1.0
        and abs(lifetime_secs - client_timeout_secs) <= 1.0 + 0.05 * client_timeout_secs,
        false
    ) as is_cut_by_client,
    is_failed,
    (at_micros - same_at_micros) / 1e6 as since_same_secs,
    (at_micros - same_end_micros) / 1e6 as since_same_end_secs,
    is_after_failure,
    is_after_cut,
    is_after_open,
    is_startup,
    case when code >= 400 then 0 else response_low_bytes end as response_low_bytes,
    case when code >= 400 then 0 else response_high_bytes end as response_high_bytes,
    case when code between 400 and 499 then 0 when outcome <> 'unknown' then held_low_bytes end as held_low_bytes,
    case when code between 400 and 499 then 0 when outcome <> 'unknown' then held_high_bytes end as held_high_bytes,
    slack_low_bytes,
    slack_high_bytes
from followed
inner join collection_reads on collection_reads.request_key = followed.request_key
left join clients on clients.caller_key = collection_reads.caller_key
left join list_costs on list_costs.shape = collection_reads.shape;
