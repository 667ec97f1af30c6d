-- short_watches: watches that ended long before the time that they asked for, by client.
-- grain:  read_id
-- reads:  client_reads
-- params: $short_watch_secs secs = 30, a life shorter than this is short, and any that the client cut itself
--         $short_watch_share ratio = 0.5, and no longer than this share of what it asked for
--         $relist_secs secs = 5, longest time between the end of a watch and a list that comes of it
--         $episode_gap_secs secs = 60, longest pause between two short watches of a client that are one episode
-- for:    other queries
-- why:    Watches ask for 5 to 10 minutes and are opened again when they end. A watch that ends soon costs the server a
--         new one at once, or a list if its resourceVersion is too old, which ends a watch within milliseconds and with
--         code 200. A client that asks for 10 s (timeoutSeconds=10) churns by its own will: its watches are short here
--         although they run their course. `is_before_list` is whether the instance lists the same collection at once when the
--         watch has ended, before it watches it so shortly again: what follows one whose resourceVersion is too old. All such reads
--         are paired in one order, by parts that keep all cores busy, with a count for speed, as in client_reads.
with reads as (
    select
        read_id,
        at_micros,
        end_micros,
        series,
        collection_key,
        read_kind = 'list' as is_list,
        coalesce(
            verb = 'watch'
            and client_type <> 'apiserver'
            and (lifetime_secs < $short_watch_secs or is_cut_by_client)
            and (
                timeout_secs is null
                or cast(timeout_secs as double) < $short_watch_secs
                or lifetime_secs < $short_watch_share * cast(timeout_secs as double)
            ), false
        ) as is_short
    from client_reads
),
parted as (
    select
        *,
        collection_key % 16 as part
    from reads
    where is_list or is_short
),
followed as (
    select
        read_id,
        at_micros,
        end_micros,
        series,
        is_short,
        coalesce(
            count(*) over by_collection > 1
            and lead(collection_key) over by_collection = collection_key
            and lead(case when is_list then at_micros end) over by_collection - end_micros between 0 and $relist_secs * 1e6, false
        ) as is_before_list
    from parted
    window by_collection as (
        partition by part order by collection_key, at_micros, read_id
        rows between unbounded preceding and unbounded following
    )
),
spaced as (
    select
        *,
        max(end_micros) over (
            partition by series order by at_micros, read_id rows between unbounded preceding and 1 preceding
        ) as busy_until_micros
    from followed
    where is_short
),
islands as (
    select
        *,
        sum(case when at_micros - busy_until_micros <= cast($episode_gap_secs * 1e6 as bigint) then 0 else 1 end)
            over (partition by series order by at_micros, read_id rows between unbounded preceding and current row) as island
    from spaced
)
select
    'short-watches' as pattern,
    min(read_id) over (partition by series, island) as episode,
    read_id,
    is_before_list
from islands
order by episode, read_id;
