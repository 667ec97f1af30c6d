-- watch_pileups: clients that hold far more watches of a resource open than they need, and open ever more.
-- grain:  pattern, episode
-- reads:  crowded_watches
-- params: $min_surplus_count count = 100, fewest watches open at once that one instance holds beyond one for each target
--         $watches_per_target ratio = 4, fewest watches open for each target, at the same time
--         $min_growth_minutes count = 5, fewest minutes in which the instance opened more of them
--         $origin_micros micros = 0, a day before the log begins: minutes are counted from there
-- why:    A client needs one watch of a resource for each target: a namespace, a name, a selector, and each user that it
--         impersonates. What it holds besides is surplus. Each instance is swept by itself. Many clients behind one
--         address look like one that holds many: but where they reopen theirs, as many end, and where they start together,
--         they open all in a minute or two. So the surplus must have grown from a quarter of its peak over several
--         minutes, with half as many ends at most; ten times the surplus at once is enough of one pod, which is no crowd.
with changes as (
    select
        holder,
        target,
        read_id,
        is_pod,
        change,
        case when change = 1 then opened_micros else closed_micros end as change_micros
    from crowded_watches
    cross join (values (1), (-1)) as ends (change)
),
of_targets as (
    select
        *,
        sum(change) over by_target as target_count
    from changes
    window by_target as (
        partition by holder, target order by change_micros, change, read_id
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
        partition by holder order by change_micros, change, read_id
        rows between unbounded preceding and current row
    )
),
peaks as (
    select
        holder,
        change_micros as peak_micros,
        open_count as peak_count,
        surplus_count as peak_surplus_count,
        row_number() over (partition by holder order by surplus_count desc, change_micros, read_id) as peak_rank
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
        count(distinct case when is_surplus then (change_micros - $origin_micros) / 60000000 end) as growth_minutes,
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
        crowded_watches.*,
        holders.peak_count,
        holders.surplus_count,
        holders.peak_micros
    from crowded_watches
    inner join holders on holders.holder = crowded_watches.holder
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
            partition by client_type, client, api_group, resource order by closed_micros - opened_micros desc, opened_micros, read_id
        ) as evidence_rank
    from held
),
summed as (
    select
        client_type,
        client,
        api_group,
        resource,
        min(read_id) as episode,
        min(received_micros) as started_micros,
        max(received_micros) as ended_micros,
        max(peak_micros) as peak_micros,
        case when count(distinct apiserver) <= 1 then min(apiserver) end as apiserver,
        count(*) as request_count,
        count(*) filter (where outcome = 'open') as unended_count,
        array_slice(array_agg(distinct arrow_cast(user_agent, 'Utf8') order by arrow_cast(user_agent, 'Utf8')), 1, 5) as user_agents,
        array_agg(arrow_cast(coalesce(audit_id, '(none)'), 'Utf8') order by evidence_rank) filter (where evidence_rank <= 3)
            as evidence_audit_ids,
        array_agg(arrow_cast(place, 'Utf8') order by evidence_rank) filter (where evidence_rank <= 3) as evidence_places
    from evidence_ranked
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
    unended_count as open_count,
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
