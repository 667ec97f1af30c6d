-- collection_deletes: deletecollections of a client that run long or several at a time, and what they held.
-- grain:  pattern, episode
-- reads:  client_reads, collection_reads
-- params: $episode_gap_secs secs = 60, longest pause between two of a client that are one episode
-- why:    A deletecollection lists the collection as a whole, holds it, deletes one object after the other, and returns
--         all. It costs one seat, and goes on when its client has got a 504 after the request timeout (60 s by default),
--         so that one sent again runs beside it. One without an end in the log ran at least until its server was last
--         heard of: open_count. The peak is of the worst server. Held bytes are those at the peak; null where no size is known.
with deletes as (
    select
        read_id,
        client_reads.received_at,
        client_reads.at_micros,
        client_reads.end_micros,
        client_reads.apiserver,
        client_reads.client_type,
        client_reads.client,
        client_reads.user_name,
        user_agent,
        coalesce(client_reads.instance, '(unknown)') as instance,
        client_reads.series,
        client_reads.api_group,
        client_reads.resource,
        client_reads.namespace,
        client_reads.scope,
        client_reads.outcome,
        held_low_bytes,
        held_high_bytes,
        slack_low_bytes,
        slack_high_bytes,
        audit_id,
        concat(source_file, ':', cast(source_line as varchar)) as place
    from client_reads
    inner join collection_reads on collection_reads.request_key = client_reads.read_id
    where client_reads.verb = 'deletecollection'
        and collection_reads.verb = 'deletecollection'
        and client_reads.client_type <> 'apiserver'
        and (client_reads.code is null or client_reads.code < 400 or client_reads.code >= 500)
),
spaced as (
    select
        *,
        max(end_micros) over (
            partition by series order by at_micros, read_id rows between unbounded preceding and 1 preceding
        ) as busy_until_micros
    from deletes
),
islands as (
    select
        *,
        sum(case when at_micros - busy_until_micros <= cast($episode_gap_secs * 1e6 as bigint) then 0 else 1 end)
            over (partition by series order by at_micros, read_id rows between unbounded preceding and current row) as island
    from spaced
),
changes as (
    select
        series,
        island,
        read_id,
        apiserver,
        change,
        case when change = 1 then at_micros else end_micros end as change_micros,
        change * held_low_bytes as low_bytes,
        change * held_high_bytes as high_bytes
    from islands
    cross join (values (1), (-1)) as ends (change)
),
swept as (
    select
        series,
        island,
        read_id,
        apiserver,
        change,
        change_micros,
        sum(change) over by_time as inflight_count,
        sum(coalesce(low_bytes, 0)) over by_time as inflight_low_bytes,
        sum(coalesce(high_bytes, low_bytes, 0)) over by_time as inflight_high_bytes
    from changes
    window by_time as (
        partition by series, island, apiserver order by change_micros, change, read_id
        rows between unbounded preceding and current row
    )
),
peaks_ranked as (
    select
        *,
        row_number() over (
            partition by series, island order by inflight_count desc, inflight_high_bytes desc, change_micros, read_id
        ) as peak_rank
    from swept
    where change = 1
),
ranked as (
    select
        *,
        row_number() over (
            partition by series, island order by end_micros - at_micros desc, at_micros, read_id
        ) as evidence_rank
    from islands
),
instances as (
    select
        series,
        island,
        user_name,
        instance,
        count(*) as instance_requests
    from islands
    group by series, island, user_name, instance
),
instances_ranked as (
    select
        *,
        row_number() over (partition by series, island order by instance_requests desc, user_name, instance) as worst_rank
    from instances
),
instances_summed as (
    select
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
    group by series, island
),
summed as (
    select
        series,
        island,
        min(read_id) as episode,
        min(received_at) as started_at,
        max(end_micros) as ended_micros,
        min(client_type) as client_type,
        min(client) as client,
        case when count(distinct apiserver) <= 1 then min(apiserver) end as apiserver,
        array_slice(array_agg(distinct arrow_cast(user_agent, 'Utf8') order by arrow_cast(user_agent, 'Utf8')), 1, 5) as user_agents,
        min(api_group) as api_group,
        min(resource) as resource,
        case
            when bool_or(scope = 'cluster') then arrow_cast('cluster', 'Utf8View')
            when bool_or(scope = 'namespace') then arrow_cast('namespace', 'Utf8View')
            else min(scope)
        end as scope,
        count(*) as request_count,
        count(*) filter (where scope = 'cluster') as cluster_list_count,
        count(*) filter (where outcome = 'open') as open_count,
        count(*) filter (where held_low_bytes is null) as unknown_cost_count,
        count(*) filter (where held_low_bytes is not null and held_high_bytes is null) as unbounded_cost_count,
        count(held_low_bytes) as known_cost_count,
        max(end_micros - at_micros) / 1e6 as max_duration_secs,
        sum(end_micros - at_micros) / 1e6 as busy_secs,
        max(slack_low_bytes) as slack_low_bytes,
        max(slack_high_bytes) as slack_high_bytes,
        array_agg(arrow_cast(coalesce(audit_id, '(none)'), 'Utf8') order by evidence_rank) filter (where evidence_rank <= 3)
            as evidence_audit_ids,
        array_agg(arrow_cast(place, 'Utf8') order by evidence_rank) filter (where evidence_rank <= 3) as evidence_places
    from ranked
    group by series, island
)
select
    'deletions' as pattern,
    episode,
    started_at,
    arrow_cast(ended_micros, 'Timestamp(Microsecond, Some("UTC"))') as ended_at,
    client_type,
    client,
    coalesce(summed.apiserver, peaks_ranked.apiserver) as apiserver,
    user_names,
    user_name_count,
    user_agents,
    instance_count,
    worst_instances,
    worst_instance_counts,
    median_instance_reads,
    api_group,
    resource,
    scope,
    request_count,
    request_count as list_count,
    cluster_list_count,
    open_count,
    unknown_cost_count,
    max_duration_secs,
    busy_secs,
    inflight_count as peak_concurrency,
    arrow_cast(change_micros, 'Timestamp(Microsecond, Some("UTC"))') as peak_at,
    case when known_cost_count > 0 then inflight_low_bytes + coalesce(slack_low_bytes, 0) end as held_low_bytes,
    case
        when known_cost_count > 0 and unbounded_cost_count = 0 then inflight_high_bytes + coalesce(slack_high_bytes, 0)
    end as held_high_bytes,
    evidence_audit_ids,
    evidence_places
from summed
inner join peaks_ranked
    on peaks_ranked.series = summed.series and peaks_ranked.island = summed.island and peak_rank = 1
inner join instances_summed on instances_summed.series = summed.series and instances_summed.island = summed.island
order by pattern, episode;
