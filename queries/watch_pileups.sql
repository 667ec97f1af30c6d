-- watch_pileups: clients that hold far more watches of a resource open than they need, and open ever more.
-- grain:  pattern, episode
-- reads:  collection_reads, clients
-- params: $min_surplus_count count = 100, fewest watches open at once that one instance holds beyond one for each target
--         $watches_per_target ratio = 4, fewest watches open for each target, at the same time
--         $min_growth_minutes count = 5, fewest minutes in which the instance opened more of them
--         $min_watch_log_secs secs = 900, shortest log in which it means something that no watch ended
-- why:    A client needs one watch of a resource for each target: a namespace, a name, a selector, and each user that it
--         impersonates. What it holds besides is surplus. Each instance is swept by itself. Many clients behind one
--         address look like one that holds many: but where they reopen theirs, as many end, and where they start together,
--         they open all in a minute or two. So the surplus must have grown from a quarter of its peak over several
--         minutes, with half as many ends at most; ten times the surplus at once is enough of one pod, which is no crowd. A watch without an end is open until its server next served something
--         while starting, or the log ends; but no longer than it asked for, or 60 min if it asked for nothing, since then
--         the server ends it (a minute is spared). Where most watches that should have ended by then have no end, the
--         policy leaves out how watches end, and nothing can be counted. What was open before the log begins counts from there.
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
watches as (
    select
        collection_reads.request_key,
        collection_reads.apiserver,
        caller_key,
        coalesce(instance, '(unknown)') as instance,
        is_pod,
        concat_ws(' ', cast(caller_key as varchar), coalesce(instance, '(unknown)'), resource, nullif(api_group, '')) as holder,
        concat_ws(' ', cast(repeat_key as varchar), impersonated_user_name) as target,
        api_group,
        resource,
        outcome,
        timeout_secs,
        cast(received_at as bigint) as received_micros,
        greatest(cast(received_at as bigint), first_micros) as at_micros,
        first_micros,
        last_micros,
        ended_count,
        cast(received_at as bigint) + cast(1e6 * (coalesce(timeout_secs, 3600) + 60) as bigint) as due_micros,
        least(last_micros, next_start_micros) as heard_micros,
        case
            when outcome = 'open' then
                least(
                    last_micros,
                    next_start_micros,
                    cast(received_at as bigint) + cast(1e6 * (coalesce(timeout_secs, 3600) + 60) as bigint)
                )
            else cast(completed_at as bigint)
        end as end_micros
    from collection_reads
    inner join logs on (logs.apiserver is not distinct from collection_reads.apiserver)
    left join starts on starts.request_key = collection_reads.request_key
    where verb = 'watch'
        and (code is null or code < 400)
        and resource is not null
),
ends_logged as (
    select
        apiserver,
        2 * count(*) filter (where outcome = 'open' and due_micros < heard_micros) <= count(*) filter (where due_micros < last_micros)
        and (max(ended_count) > 0 or max(last_micros) - min(first_micros) >= cast(1e6 * $min_watch_log_secs as bigint))
            as are_ends_logged
    from watches
    group by apiserver
),
crowded as (
    select holder
    from watches
    inner join ends_logged on (ends_logged.apiserver is not distinct from watches.apiserver)
    where are_ends_logged
    group by holder
    having count(*) - count(distinct target) >= $min_surplus_count
),
changes as (
    select
        watches.holder,
        target,
        request_key,
        is_pod,
        change,
        case when change = 1 then at_micros else greatest(at_micros, end_micros) end as change_micros
    from watches
    inner join crowded on crowded.holder = watches.holder
    cross join (values (1), (-1)) as ends (change)
),
of_targets as (
    select
        *,
        sum(change) over by_target as target_count
    from changes
    window by_target as (
        partition by holder, target order by change_micros, change, request_key
        rows between unbounded preceding and current row
    )
),
swept as (
    select
        *,
        sum(change) over by_time as open_count,
        sum(case when (change = 1 and target_count > 1) or (change = -1 and target_count >= 1) then change else 0 end)
            over by_time as surplus_count,
        (change = 1 and target_count > 1) as is_surplus
    from of_targets
    window by_time as (
        partition by holder order by change_micros, change, request_key
        rows between unbounded preceding and current row
    )
),
peaks as (
    select
        holder,
        change_micros as peak_micros,
        open_count as peak_count,
        surplus_count as peak_surplus_count,
        row_number() over (partition by holder order by surplus_count desc, change_micros, request_key) as peak_rank
    from swept
    where change = 1
),
grown as (
    select
        swept.holder,
        max(peak_micros) as peak_micros,
        max(peak_count) as peak_count,
        max(peak_surplus_count) as surplus_count,
        max(case when 4 * swept.surplus_count <= peak_surplus_count then change_micros end) as growth_micros
    from swept
    inner join peaks on peaks.holder = swept.holder and peak_rank = 1
    where change_micros <= peak_micros
    group by swept.holder
),
growing as (
    select
        grown.holder,
        max(grown.peak_micros) as peak_micros,
        max(grown.peak_count) as peak_count,
        max(grown.surplus_count) as surplus_count,
        bool_and(is_pod) as is_pod,
        count(distinct case when is_surplus then change_micros / 60000000 end) as growth_minutes,
        count(*) filter (where change = 1) as growth_opened_count,
        count(*) filter (where change = -1) as growth_ended_count
    from grown
    inner join swept on swept.holder = grown.holder and change_micros > growth_micros and change_micros <= grown.peak_micros
    group by grown.holder
),
holders as (
    select *
    from growing
    where surplus_count >= $min_surplus_count
        and peak_count >= $watches_per_target * cast(peak_count - surplus_count as double)
        and 2 * growth_ended_count <= growth_opened_count
        and (growth_minutes >= $min_growth_minutes or (is_pod and surplus_count >= 10 * $min_surplus_count))
),
held as (
    select
        watches.*,
        holders.peak_count,
        holders.surplus_count,
        holders.peak_micros,
        coalesce(client_type, 'unknown') as client_type,
        coalesce(client, user_name, '(unauthenticated)') as client,
        clients.user_name,
        clients.user_agent
    from watches
    inner join holders on holders.holder = watches.holder
    left join clients on clients.caller_key = watches.caller_key
    where coalesce(client_type, 'unknown') <> 'apiserver'
),
by_instance as (
    select
        client_type,
        client,
        api_group,
        resource,
        user_name,
        instance,
        max(peak_count) as instance_peak,
        max(surplus_count) as instance_surplus,
        count(*) as instance_watches
    from held
    group by client_type, client, api_group, resource, user_name, instance, holder
),
instances_ranked as (
    select
        *,
        row_number() over (
            partition by client_type, client, api_group, resource order by instance_peak desc, user_name, instance
        ) as worst_rank
    from by_instance
),
instances_summed as (
    select
        client_type,
        client,
        api_group,
        resource,
        count(*) as instance_count,
        count(distinct user_name) as user_name_count,
        sum(instance_peak) as open_count,
        sum(instance_peak - instance_surplus) as needed_count,
        percentile_cont(0.5) within group (order by instance_watches) as median_instance_reads,
        array_agg(arrow_cast(instance, 'Utf8') order by worst_rank) filter (where worst_rank <= 3) as worst_instances,
        array_agg(instance_watches order by worst_rank) filter (where worst_rank <= 3) as worst_instance_counts,
        array_distinct(
            array_agg(arrow_cast(user_name, 'Utf8') order by worst_rank) filter (where worst_rank <= 5 and user_name is not null)
        ) as user_names
    from instances_ranked
    group by client_type, client, api_group, resource
),
evidence_ranked as (
    select
        *,
        row_number() over (
            partition by client_type, client, api_group, resource order by end_micros - at_micros desc, at_micros, request_key
        ) as evidence_rank
    from held
),
places as (
    select
        evidence_ranked.*,
        audit_id,
        concat(source_file, ':', cast(source_line as varchar)) as place
    from evidence_ranked
    inner join collection_reads on collection_reads.request_key = evidence_ranked.request_key
),
summed as (
    select
        client_type,
        client,
        api_group,
        resource,
        min(request_key) as episode,
        min(received_micros) as started_micros,
        max(received_micros) as ended_micros,
        max(peak_micros) as peak_micros,
        case when count(distinct apiserver) <= 1 then min(apiserver) end as apiserver,
        count(*) as request_count,
        count(*) filter (where outcome = 'open') as without_end_count,
        array_slice(array_agg(distinct arrow_cast(user_agent, 'Utf8') order by arrow_cast(user_agent, 'Utf8')), 1, 5) as user_agents,
        array_agg(arrow_cast(coalesce(audit_id, '(none)'), 'Utf8') order by evidence_rank) filter (where evidence_rank <= 3)
            as evidence_audit_ids,
        array_agg(arrow_cast(place, 'Utf8') order by evidence_rank) filter (where evidence_rank <= 3) as evidence_places
    from places
    group by client_type, client, api_group, resource
)
select
    'watch-pileup' as pattern,
    episode,
    arrow_cast(started_micros, 'Timestamp(Microsecond, Some("UTC"))') as started_at,
    arrow_cast(ended_micros, 'Timestamp(Microsecond, Some("UTC"))') as ended_at,
    summed.client_type,
    summed.client,
    apiserver,
    user_names,
    user_name_count,
    user_agents,
    instance_count,
    worst_instances,
    worst_instance_counts,
    median_instance_reads,
    summed.api_group,
    summed.resource,
    request_count,
    open_count as open_watch_count,
    needed_count as needed_watch_count,
    without_end_count,
    arrow_cast(peak_micros, 'Timestamp(Microsecond, Some("UTC"))') as peak_at,
    evidence_audit_ids,
    evidence_places
from summed
inner join instances_summed
    on instances_summed.client_type = summed.client_type
    and instances_summed.client = summed.client
    and instances_summed.resource = summed.resource
    and (instances_summed.api_group is not distinct from summed.api_group)
order by pattern, episode;
