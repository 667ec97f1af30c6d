-- episode_reads: all reads that stand out, by pattern and episode.
-- grain:  pattern, read_id
-- reads:  bursts, busy_reads, short_watches, discovery_loops, expired_lists
-- for:    other queries
-- kept:   What episodes consist of is measured from these several times.
-- why:    An episode is named by one of its reads. One read may stand in episodes of several patterns.
select pattern, episode, read_id, window_read_count, median_count, mad_count, false as is_before_list from bursts
union all
select pattern, episode, read_id, null, null, null, false from busy_reads
union all
select pattern, episode, read_id, null, null, null, is_before_list from short_watches
union all
select pattern, episode, read_id, null, null, null, false from discovery_loops
union all
select pattern, episode, read_id, null, null, null, false from expired_lists;
