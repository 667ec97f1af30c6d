-- episode_reads: all reads that stand out, by pattern and episode.
-- grain:  pattern, read_id
-- reads:  bursts, loops, pages, short_watches, discovery_loops, pileups, full_lists
-- kept:   What episodes consist of is measured from these several times.
-- why:    An episode is named by one of its reads. One read may stand in episodes of several patterns.
select pattern, episode, read_id, window_read_count, median_count, mad_count from bursts
union all
select pattern, episode, read_id, null, null, null from loops
union all
select pattern, episode, read_id, null, null, null from pages
union all
select pattern, episode, read_id, null, null, null from short_watches
union all
select pattern, episode, read_id, null, null, null from discovery_loops
union all
select pattern, episode, read_id, null, null, null from pileups
union all
select pattern, episode, read_id, null, null, null from full_lists;
