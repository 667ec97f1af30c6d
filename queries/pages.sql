-- pages: pages of long lists that follow each other, chain after chain.
-- grain:  read_id
-- reads:  client_reads
-- params: $episode_gap_secs secs = 60, longest pause between two chains of a client that are one episode
-- for:    other queries
-- why:    Each page is small, so paging is the cure for one big list; chains without end are a load all the same, and
--         before 1.34 every page is read from etcd. Only pages after the first count: a first page alone is just a list
--         that had few objects. A page that fails with 410 (its snapshot is compacted away) makes clients begin again,
--         with everything at once.
with paged as (
    select
        read_id,
        at_micros,
        end_micros,
        series
    from client_reads
    where read_kind = 'page'
),
spaced as (
    select
        *,
        max(end_micros) over (
            partition by series order by at_micros, read_id rows between unbounded preceding and 1 preceding
        ) as busy_until_micros
    from paged
),
islands as (
    select
        *,
        sum(case when at_micros - busy_until_micros <= cast($episode_gap_secs * 1e6 as bigint) then 0 else 1 end)
            over (partition by series order by at_micros, read_id rows between unbounded preceding and current row) as island
    from spaced
)
select
    'pages' as pattern,
    min(read_id) over (partition by series, island) as episode,
    read_id
from islands
order by episode, read_id;
