-- episodes: each episode of reads that stand out: who, what, when, how many, how fast, and at what cost.
-- grain:  pattern, episode
-- reads:  episode_reads, episode_peaks, episode_instances, client_reads, collection_reads
-- for:    reports
-- params: $timed_out_secs secs = 59.5, a LIST that took so long was cut off at the server's request timeout
--         $min_instance_count count = 3, reads of an instance from which on it counts as looping
-- why:    Of an episode of many clients (pileup, burst-of-all) client and client_type are null; episode_clients has them.
--         It ends when the last of its lists does; a watch counts from its receipt only. Evidence is the reads that held
--         most, then those that took longest, with where they stand in the log. The worst instances are those with most
--         reads. Held bytes are those at the peak, as low and high estimates; unknown_cost_count of the episode's lists
--         have no estimate; then the low ends leave them out, and responses have no high end. list_secs adds up how long its lists were in flight, whatever they waited for; rejected ones
--         count for their wait. repeat_count is of the reads after the first of those instances that
--         read often. mad_since_same_secs is the median absolute deviation of the period: near zero for a clock.
with periods as (
    select
        pattern,
        episode,
        percentile_cont(0.5) within group (order by since_same_secs) as median_since_same
    from episode_reads
    inner join client_reads on client_reads.read_id = episode_reads.read_id
    group by pattern, episode
),
tagged as (
    select
        episode_reads.pattern,
        episode_reads.episode,
        episode_reads.window_read_count,
        episode_reads.median_count,
        episode_reads.mad_count,
        episode_reads.is_before_list,
        periods.median_since_same,
        client_reads.read_id,
        at_micros,
        end_micros,
        received_at,
        apiserver,
        client_type,
        client,
        repeat_key,
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
        is_cut_by_client,
        since_same_secs,
        since_same_end_secs,
        is_after_cut,
        response_low_bytes,
        response_high_bytes,
        held_low_bytes,
        held_high_bytes,
        slack_low_bytes,
        slack_high_bytes
    from episode_reads
    inner join client_reads on client_reads.read_id = episode_reads.read_id
    inner join periods on periods.pattern = episode_reads.pattern and periods.episode = episode_reads.episode
),
strongest as (
    select
        pattern,
        episode,
        read_id,
        row_number() over (
            partition by pattern, episode
            order by coalesce(held_high_bytes, 0) desc, duration_secs desc nulls last, read_id
        ) as evidence_rank
    from tagged
),
evidence as (
    select
        pattern,
        episode,
        array_agg(arrow_cast(coalesce(audit_id, '(none)'), 'Utf8') order by evidence_rank) as evidence_audit_ids,
        array_agg(arrow_cast(concat(source_file, ':', cast(source_line as varchar)), 'Utf8') order by evidence_rank) as evidence_places
    from strongest
    inner join collection_reads on collection_reads.request_key = strongest.read_id
    where evidence_rank <= 3
    group by pattern, episode
),
instances as (
    select
        pattern,
        episode,
        user_name,
        instance,
        sum(read_count) as instance_reads
    from episode_instances
    group by pattern, episode, user_name, instance
),
instances_ranked as (
    select
        *,
        row_number() over (partition by pattern, episode order by instance_reads desc, user_name, instance) as worst_rank
    from instances
),
instances_summed as (
    select
        pattern,
        episode,
        count(*) as instance_count,
        count(distinct user_name) as user_name_count,
        percentile_cont(0.5) within group (order by instance_reads) as median_instance_reads,
        coalesce(sum(instance_reads - 1) filter (where instance_reads >= $min_instance_count), 0) as repeat_count,
        array_agg(arrow_cast(instance, 'Utf8') order by worst_rank) filter (where worst_rank <= 3) as worst_instances,
        array_agg(instance_reads order by worst_rank) filter (where worst_rank <= 3) as worst_instance_counts,
        array_distinct(array_agg(arrow_cast(user_name, 'Utf8') order by worst_rank) filter (where worst_rank <= 5)) as user_names
    from instances_ranked
    group by pattern, episode
),
agents as (
    select
        pattern,
        episode,
        user_agent,
        sum(read_count) as agent_reads
    from episode_instances
    group by pattern, episode, user_agent
),
agents_ranked as (
    select
        *,
        row_number() over (partition by pattern, episode order by agent_reads desc, user_agent) as agent_rank
    from agents
),
agents_summed as (
    select
        pattern,
        episode,
        array_agg(arrow_cast(user_agent, 'Utf8') order by agent_rank) filter (where agent_rank <= 5) as user_agents
    from agents_ranked
    group by pattern, episode
),
summed as (
    select
        pattern,
        episode,
        min(received_at) as started_at,
        max(case when verb = 'watch' then at_micros else end_micros end) as ended_micros,
        case when count(distinct client) = 1 then min(client_type) end as client_type,
        case when count(distinct client) = 1 then min(client) end as client,
        count(distinct client) as client_count,
        count(distinct apiserver) as apiserver_count,
        case when count(distinct apiserver) <= 1 then min(apiserver) end as apiserver,
        min(read_kind) as read_kind,
        min(api_group) as api_group,
        min(resource) as resource,
        case
            when bool_or(scope = 'cluster') then arrow_cast('cluster', 'Utf8View')
            when bool_or(scope = 'namespace') then arrow_cast('namespace', 'Utf8View')
            else min(scope)
        end as scope,
        count(distinct namespace) as namespace_count,
        array_agg(distinct arrow_cast(list_kind, 'Utf8') order by arrow_cast(list_kind, 'Utf8')) filter (where list_kind is not null) as list_kinds,
        count(distinct repeat_key) as target_count,
        count(*) as request_count,
        count(*) filter (where verb = 'list') as list_count,
        count(*) filter (where verb = 'list' and scope = 'cluster') as cluster_list_count,
        coalesce(sum(end_micros - at_micros) filter (where verb = 'list'), 0) / 1e6 as list_secs,
        count(*) filter (where list_kind = 'watch_list') as watch_list_count,
        count(*) filter (where is_node_scoped) as node_scoped_count,
        count(*) filter (where has_selector) as selector_count,
        count(*) filter (where code = 429 or code >= 500 or (verb = 'list' and duration_secs >= $timed_out_secs)) as failed_count,
        count(*) filter (where code = 429) as rejected_count,
        count(*) filter (where code >= 500) as error_count,
        count(*) filter (where code = 410) as gone_count,
        count(*) filter (where verb = 'list' and duration_secs >= $timed_out_secs) as timed_out_count,
        count(*) filter (where outcome = 'open') as open_count,
        count(*) filter (where verb = 'list' and outcome = 'unknown') as unknown_end_count,
        count(*) filter (where is_before_list) as before_list_count,
        count(*) filter (where is_after_cut) as after_cut_count,
        count(*) filter (where is_cut_by_client) as client_cut_count,
        count(distinct case when read_kind = 'discovery' then repeat_key end) as path_count,
        count(distinct continue_revision) as chain_count,
        count(held_low_bytes) filter (where code is null or code < 400) as known_cost_count,
        count(*) filter (where verb = 'list' and (code is null or code < 400) and held_low_bytes is null)
            as unknown_cost_count,
        count(*) filter (where verb = 'list' and held_low_bytes is not null and held_high_bytes is null)
            as unbounded_cost_count,
        max(window_read_count) as peak_window_count,
        max(median_count) as median_count,
        max(mad_count) as mad_count,
        max(median_since_same) as median_since_same_secs,
        percentile_cont(0.5) within group (order by abs(since_same_secs - median_since_same)) as mad_since_same_secs,
        percentile_cont(0.5) within group (order by since_same_end_secs) as median_since_same_end_secs,
        percentile_cont(0.5) within group (order by duration_secs) filter (where verb <> 'watch') as median_duration_secs,
        max(duration_secs) filter (where verb <> 'watch') as max_duration_secs,
        percentile_cont(0.5) within group (order by lifetime_secs) as median_lifetime_secs,
        percentile_cont(0.5) within group (order by timeout_secs) as median_timeout_secs,
        sum(response_low_bytes) as response_low_bytes,
        case when count(*) filter (where read_kind in ('list', 'page') and response_high_bytes is null) = 0 then
            sum(response_high_bytes)
        end as response_high_bytes,
        max(response_low_bytes) as largest_low_bytes,
        case when count(*) filter (where read_kind in ('list', 'page') and response_high_bytes is null) = 0 then
            max(response_high_bytes)
        end as largest_high_bytes,
        max(slack_low_bytes) as slack_low_bytes,
        max(slack_high_bytes) as slack_high_bytes
    from tagged
    group by pattern, episode
)
select
    summed.pattern,
    summed.episode,
    started_at,
    arrow_cast(ended_micros, 'Timestamp(Microsecond, Some("UTC"))') as ended_at,
    client_type,
    client,
    client_count,
    apiserver_count,
    coalesce(summed.apiserver, episode_peaks.apiserver) as apiserver,
    user_names,
    user_name_count,
    user_agents,
    instance_count,
    worst_instances,
    worst_instance_counts,
    median_instance_reads,
    read_kind,
    api_group,
    resource,
    scope,
    namespace_count,
    list_kinds,
    target_count,
    request_count,
    list_count,
    list_secs,
    repeat_count,
    cluster_list_count,
    watch_list_count,
    node_scoped_count,
    selector_count,
    failed_count,
    rejected_count,
    error_count,
    gone_count,
    timed_out_count,
    open_count,
    unknown_end_count,
    before_list_count,
    after_cut_count,
    client_cut_count,
    path_count,
    chain_count,
    unknown_cost_count,
    unbounded_cost_count,
    peak_window_count,
    median_count,
    mad_count,
    median_since_same_secs,
    mad_since_same_secs,
    median_since_same_end_secs,
    median_duration_secs,
    max_duration_secs,
    median_lifetime_secs,
    median_timeout_secs,
    response_low_bytes,
    response_high_bytes,
    largest_low_bytes,
    largest_high_bytes,
    peak_concurrency,
    arrow_cast(peak_micros, 'Timestamp(Microsecond, Some("UTC"))') as peak_at,
    case when known_cost_count > 0 then inflight_low_bytes + coalesce(slack_low_bytes, 0) end as held_low_bytes,
    case
        when known_cost_count > 0 and unbounded_cost_count = 0 then inflight_high_bytes + coalesce(slack_high_bytes, 0)
    end as held_high_bytes,
    evidence_audit_ids,
    evidence_places
from summed
inner join instances_summed
    on instances_summed.pattern = summed.pattern and instances_summed.episode = summed.episode
inner join agents_summed on agents_summed.pattern = summed.pattern and agents_summed.episode = summed.episode
inner join evidence on evidence.pattern = summed.pattern and evidence.episode = summed.episode
left join episode_peaks
    on episode_peaks.pattern = summed.pattern and episode_peaks.episode = summed.episode
order by pattern, episode;
