-- request_loops: clients that ask for single objects, or fail to write them, or are refused, far too often.
-- grain:  pattern, episode
-- reads:  repeated_requests, clients
-- params: $min_get_count count = 600, fewest GETs of one resource by one instance in a minute of a flood
--         $min_failed_write_count count = 60, fewest failing writes of one instance in a minute of a loop
--         $min_refused_count count = 10, fewest refused requests of one instance in a minute of a loop
-- why:    An instance takes part in the minutes in which it alone is over the limit, so that a client of a thousand quiet
--         instances is no loop. What the instances of one client do is one episode, over a pause of a minute, and with the
--         minutes beside it, in which they began and ended: GETs for each resource, the others over all resources.
--         Of requests without a user (401), the user agent is all that tells clients apart. The resource is the one with
--         most requests. object_count is how many objects they were for, null where the log doesn't tell.
with named as (
    select
        pattern,
        repeated_requests.caller_key,
        coalesce(instance_key, 0) as instance_key,
        coalesce(instance, '(unknown)') as instance,
        coalesce(client_type, 'unknown') as client_type,
        coalesce(client, user_name, '(unauthenticated)') as client,
        user_name,
        user_agent,
        concat_ws(
            ' ',
            client_type,
            client,
            case when user_name is null then user_agent end,
            case when pattern = 'gets' then concat_ws('.', resource, nullif(api_group, '')) end
        ) as series,
        api_group,
        resource,
        verb,
        minute_number,
        request_count,
        unauthenticated_count,
        forbidden_count,
        conflict_count,
        only_object_key,
        first_received_at,
        last_received_at,
        first_audit_id,
        concat(first_source_file, ':', cast(first_source_line as varchar)) as first_place
    from repeated_requests
    left join clients on clients.caller_key = repeated_requests.caller_key
    where coalesce(client_type, 'unknown') <> 'apiserver'
),
hot as (
    select
        pattern,
        series,
        caller_key,
        instance_key,
        minute_number
    from named
    group by pattern, series, caller_key, instance_key, minute_number
    having sum(request_count) >= case
        when pattern = 'gets' then $min_get_count
        when pattern = 'refusals' then $min_refused_count
        else $min_failed_write_count
    end
),
minutes as (
    select
        pattern,
        series,
        minute_number,
        lag(minute_number) over (partition by pattern, series order by minute_number) as earlier_number
    from hot
    group by pattern, series, minute_number
),
islands as (
    select
        *,
        sum(case when minute_number - earlier_number <= 2 then 0 else 1 end)
            over (partition by pattern, series order by minute_number rows between unbounded preceding and current row) as island
    from minutes
),
spans as (
    select
        pattern,
        series,
        island,
        min(minute_number) as first_number,
        max(minute_number) as last_number
    from islands
    group by pattern, series, island
),
members as (
    select distinct
        spans.pattern,
        spans.series,
        island,
        caller_key,
        instance_key
    from spans
    inner join hot
        on hot.pattern = spans.pattern
        and hot.series = spans.series
        and minute_number between first_number and last_number
),
tagged as (
    select
        named.*,
        spans.island
    from named
    inner join spans
        on spans.pattern = named.pattern
        and spans.series = named.series
        and minute_number between first_number - 1 and last_number + 1
    inner join members
        on members.pattern = named.pattern
        and members.series = named.series
        and members.island = spans.island
        and members.caller_key = named.caller_key
        and members.instance_key = named.instance_key
),
instances as (
    select
        pattern,
        series,
        island,
        user_name,
        instance,
        sum(request_count) as instance_requests
    from tagged
    group by pattern, series, island, user_name, instance
),
instances_ranked as (
    select
        *,
        row_number() over (partition by pattern, series, island order by instance_requests desc, user_name, instance) as worst_rank
    from instances
),
instances_summed as (
    select
        pattern,
        series,
        island,
        count(*) as instance_count,
        count(distinct user_name) as user_name_count,
        percentile_cont(0.5) within group (order by instance_requests) as median_instance_reads,
        array_agg(arrow_cast(instance, 'Utf8') order by worst_rank) filter (where worst_rank <= 3) as worst_instances,
        array_agg(instance_requests order by worst_rank) filter (where worst_rank <= 3) as worst_instance_counts,
        array_distinct(
            array_agg(arrow_cast(user_name, 'Utf8') order by worst_rank) filter (where worst_rank <= 5 and user_name is not null)
        ) as user_names
    from instances_ranked
    group by pattern, series, island
),
resources as (
    select
        pattern,
        series,
        island,
        api_group,
        resource,
        sum(request_count) as resource_requests,
        count(distinct only_object_key) as object_count,
        count(*) = count(only_object_key) as is_object_known
    from tagged
    group by pattern, series, island, api_group, resource
),
resources_ranked as (
    select
        *,
        row_number() over (
            partition by pattern, series, island order by resource_requests desc, resource nulls last, api_group
        ) as resource_rank
    from resources
),
resources_summed as (
    select
        pattern,
        series,
        island,
        first_value(api_group order by resource_rank) as api_group,
        first_value(resource order by resource_rank) as resource,
        array_agg(arrow_cast(concat_ws('.', resource, nullif(api_group, '')), 'Utf8') order by resource_rank)
            filter (where resource_rank > 1 and resource is not null) as other_resources,
        case when bool_and(is_object_known) then sum(object_count) end as object_count
    from resources_ranked
    group by pattern, series, island
),
agents_summed as (
    select
        pattern,
        series,
        island,
        array_slice(array_agg(distinct arrow_cast(user_agent, 'Utf8') order by arrow_cast(user_agent, 'Utf8')), 1, 5) as user_agents
    from tagged
    where user_agent is not null
    group by pattern, series, island
),
evidence_ranked as (
    select
        *,
        row_number() over (partition by pattern, series, island order by request_count desc, first_received_at, first_audit_id) as evidence_rank
    from tagged
),
evidence as (
    select
        pattern,
        series,
        island,
        array_agg(arrow_cast(coalesce(first_audit_id, '(none)'), 'Utf8') order by evidence_rank) as evidence_audit_ids,
        array_agg(arrow_cast(first_place, 'Utf8') order by evidence_rank) as evidence_places
    from evidence_ranked
    where evidence_rank <= 3
    group by pattern, series, island
),
summed as (
    select
        pattern,
        series,
        island,
        min(client_type) as client_type,
        min(client) as client,
        min(first_received_at) as started_at,
        max(last_received_at) as ended_at,
        array_agg(distinct arrow_cast(verb, 'Utf8') order by arrow_cast(verb, 'Utf8')) as verbs,
        sum(request_count) as request_count,
        sum(unauthenticated_count) as unauthenticated_count,
        sum(forbidden_count) as forbidden_count,
        sum(conflict_count) as conflict_count
    from tagged
    group by pattern, series, island
)
select
    summed.pattern,
    cast(row_number() over (order by summed.pattern, summed.series, summed.island) as bigint) as episode,
    started_at,
    ended_at,
    client_type,
    client,
    user_names,
    user_name_count,
    user_agents,
    instance_count,
    worst_instances,
    worst_instance_counts,
    median_instance_reads,
    api_group,
    resource,
    other_resources,
    verbs,
    request_count,
    unauthenticated_count,
    forbidden_count,
    conflict_count,
    object_count,
    evidence_audit_ids,
    evidence_places
from summed
inner join instances_summed
    on instances_summed.pattern = summed.pattern
    and instances_summed.series = summed.series
    and instances_summed.island = summed.island
inner join resources_summed
    on resources_summed.pattern = summed.pattern
    and resources_summed.series = summed.series
    and resources_summed.island = summed.island
inner join evidence
    on evidence.pattern = summed.pattern and evidence.series = summed.series and evidence.island = summed.island
left join agents_summed
    on agents_summed.pattern = summed.pattern
    and agents_summed.series = summed.series
    and agents_summed.island = summed.island
order by pattern, episode;
