-- crowded_watches: the watches of clients that open them again and again while the same are open.
-- grain:  read_id
-- reads:  client_reads, collection_reads
-- for:    other queries
-- kept:   watch_pileups looks at these few rows several times.
-- params: $min_surplus_count count = 100, fewest watches open at once that one instance holds beyond one for each target
--         $min_watch_log_secs secs = 900, shortest log in which it means something that no watch ended
-- why:    A holder is a user's instance with what it watches of one resource, a target what one watch is needed for: a
--         path with its selectors, and the user it impersonates. A watch without an end is open until its server next
--         served something while starting, or the log ends; but no longer than it asked for, or 60 min if it asked for
--         nothing, since then the server ends it (a minute is spared). Where most watches that should have ended by then
--         have no end, the policy leaves out how watches end, and nothing can be counted. What was open before the log
--         begins counts from there. Most holders never have two of the same open, so few rows are left.
with logs as (
    select
        apiserver,
        cast(coalesce(min(least(started_at, completed_at)), min(received_at)) as bigint) as first_micros,
        cast(max(greatest(received_at, started_at, completed_at)) as bigint) as last_micros,
        count(*) filter (where verb = 'watch' and outcome = 'complete' and (code is null or code < 400)) as ended_count
    from collection_reads
    group by apiserver
),
starts as (
    select
        request_key,
        min(case when is_startup then cast(received_at as bigint) end) over (
            partition by apiserver order by received_at desc, request_key
            rows between unbounded preceding and 1 preceding
        ) as next_start_micros
    from collection_reads
    where is_startup or (verb = 'watch' and outcome = 'open')
),
due as (
    select
        collection_reads.apiserver,
        outcome,
        cast(received_at as bigint) + cast(1e6 * (timeout_secs + 60) as bigint) < least(last_micros, next_start_micros) as is_due
    from collection_reads
    inner join logs on (logs.apiserver is not distinct from collection_reads.apiserver)
    left join starts on starts.request_key = collection_reads.request_key
    where verb = 'watch' and (code is null or code < 400) and timeout_secs is not null
),
ends as (
    select
        apiserver,
        2 * count(*) filter (where outcome = 'open') <= count(*) as are_ends_logged
    from due
    where is_due
    group by apiserver
),
crowded as (
    select
        user_name,
        instance,
        api_group,
        resource
    from client_reads
    where verb = 'watch'
        and (code is null or code < 400)
        and resource is not null
        and client_type <> 'apiserver'
        and (is_after_open or since_same_end_secs < 0)
    group by user_name, instance, api_group, resource
    having 2 * count(*) >= $min_surplus_count
)
select
    read_id,
    concat_ws(
        ' ',
        coalesce(client_reads.user_name, ''),
        coalesce(client_reads.instance, ''),
        client_reads.resource,
        client_reads.api_group
    ) as holder,
    concat_ws(' ', cast(client_reads.repeat_key as varchar), impersonated_user_name) as target,
    client_reads.client_type,
    client_reads.client,
    client_reads.user_name,
    user_agent,
    coalesce(client_reads.instance, '(unknown)') as instance,
    is_pod,
    client_reads.apiserver,
    client_reads.api_group,
    client_reads.resource,
    client_reads.outcome,
    client_reads.at_micros as received_micros,
    greatest(client_reads.at_micros, first_micros) as opened_micros,
    greatest(
        client_reads.at_micros,
        first_micros,
        case
            when client_reads.outcome = 'open' then
                least(
                    last_micros + 1,
                    next_start_micros,
                    client_reads.at_micros + cast(1e6 * (coalesce(client_reads.timeout_secs, 3600) + 60) as bigint)
                )
            else cast(completed_at as bigint)
        end
    ) as closed_micros,
    audit_id,
    concat(source_file, ':', cast(source_line as varchar)) as place
from client_reads
inner join crowded
    on (crowded.user_name is not distinct from client_reads.user_name)
    and (crowded.instance is not distinct from client_reads.instance)
    and (crowded.api_group is not distinct from client_reads.api_group)
    and crowded.resource = client_reads.resource
inner join collection_reads on collection_reads.request_key = client_reads.read_id
inner join logs on (logs.apiserver is not distinct from client_reads.apiserver)
left join starts on starts.request_key = client_reads.read_id
left join ends on (ends.apiserver is not distinct from client_reads.apiserver)
where client_reads.verb = 'watch'
    and (client_reads.code is null or client_reads.code < 400)
    and coalesce(are_ends_logged, true)
    and (ended_count > 0 or last_micros - first_micros >= cast(1e6 * $min_watch_log_secs as bigint));
