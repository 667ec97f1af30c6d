-- discovery_loops: reads of the API's discovery documents that an instance repeats again and again.
-- grain:  read_id
-- reads:  client_reads
-- params: $max_discovery_secs secs = 60, longest time between two reads of one path in a loop
--         $episode_gap_secs secs = 60, longest pause between two loops of a client that are one episode
-- for:    other queries
-- why:    A client with a discovery cache reads each path once in hours. One that starts anew for each call, such as a
--         script that calls kubectl without a home directory, reads all of them every time. The controller manager looks
--         every 30 s whether there are new resources; that is its task, so it is left out.
with again as (
    select
        read_id,
        at_micros,
        end_micros,
        concat_ws(' ', client_type, client) as series
    from client_reads
    where read_kind = 'discovery'
        and client_type not in ('apiserver', 'controller-manager')
        and since_same_secs <= $max_discovery_secs
),
spaced as (
    select
        *,
        max(end_micros) over (
            partition by series order by at_micros, read_id rows between unbounded preceding and 1 preceding
        ) as busy_until_micros
    from again
),
islands as (
    select
        *,
        sum(case when at_micros - busy_until_micros <= cast($episode_gap_secs * 1e6 as bigint) then 0 else 1 end)
            over (partition by series order by at_micros, read_id rows between unbounded preceding and current row) as island
    from spaced
)
select
    'discovery' as pattern,
    min(read_id) over (partition by series, island) as episode,
    read_id
from islands
order by episode, read_id;
