-- episode_clients: the clients in each episode of several clients, and what each had in flight at the peak.
-- grain:  pattern, episode, client_type, client, api_group, resource
-- reads:  episode_reads, episode_peaks, client_reads, collection_reads
-- for:    reports
-- why:    At the peak a list counts from its receipt to its end on the server that had the peak, and holds memory once it
--         has left its queue. The slack is not in it. list_secs adds up how long its lists were in flight.
--         peak_whole_count is of lists without a selector: of a whole collection, or of a whole namespace, which may hold all
--         of it.
with tagged as (
    select
        episode_reads.pattern,
        episode_reads.episode,
        client_reads.*,
        peak_micros,
        collection_reads.user_agent,
        client_reads.verb = 'list'
            and (client_reads.code is null or client_reads.code < 400)
            and at_micros <= peak_micros
            and end_micros > peak_micros
            and (client_reads.apiserver is not distinct from episode_peaks.apiserver) as is_at_peak
    from episode_reads
    inner join client_reads on client_reads.read_id = episode_reads.read_id
    inner join collection_reads on collection_reads.request_key = episode_reads.read_id
    left join episode_peaks
        on episode_peaks.pattern = episode_reads.pattern and episode_peaks.episode = episode_reads.episode
    where episode_reads.pattern in ('pileup', 'burst-of-all')
)
select
    pattern,
    episode,
    client_type,
    client,
    api_group,
    resource,
    min(received_at) as first_received_at,
    array_slice(array_agg(distinct arrow_cast(user_name, 'Utf8') order by arrow_cast(user_name, 'Utf8')), 1, 5) as user_names,
    array_slice(array_agg(distinct arrow_cast(user_agent, 'Utf8') order by arrow_cast(user_agent, 'Utf8')), 1, 5) as user_agents,
    array_agg(distinct arrow_cast(list_kind, 'Utf8') order by arrow_cast(list_kind, 'Utf8')) filter (where list_kind is not null) as list_kinds,
    count(*) as request_count,
    count(*) filter (where verb = 'list') as list_count,
    count(*) filter (where list_kind = 'watch_list') as watch_list_count,
    count(*) filter (where code = 429) as rejected_count,
    count(distinct concat_ws(' ', user_name, instance)) as instance_count,
    count(*) filter (where is_at_peak) as peak_count,
    count(*) filter (where is_at_peak and not has_selector) as peak_whole_count,
    sum(case when holds_from_micros > peak_micros and held_low_bytes is not null then 0 else held_low_bytes end)
        filter (where is_at_peak) as peak_low_bytes,
    sum(case when holds_from_micros > peak_micros and held_high_bytes is not null then 0 else held_high_bytes end)
        filter (where is_at_peak) as peak_high_bytes,
    coalesce(sum(end_micros - at_micros) filter (where verb = 'list'), 0) / 1e6 as list_secs
from tagged
group by pattern, episode, client_type, client, api_group, resource
order by pattern, episode, peak_high_bytes desc nulls last, request_count desc, client_type, client, api_group, resource;
