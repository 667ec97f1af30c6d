-- expired_lists: lists of instances that were away so long that their watches could not go on where they had ended.
-- grain:  read_id
-- reads:  client_reads
-- params: $at_once_secs secs = 1, a watch that lived less ended at once
--         $relist_secs secs = 5, longest time between the end of a watch and a list that comes of it
--         $cut_off_secs secs = 30, shortest time without a watch that makes an instance cut off
--         $expired_gap_secs secs = 15, longest pause between two of a client that are one episode
-- for:    other queries
-- why:    A client that was cut off asks to watch from the resourceVersion that it had last. Is that no longer in the
--         server's cache, the watch ends within milliseconds, with code 200 (the 410 is in the stream) or with 410, and the
--         client lists everything anew. Instances back off as they try again, so that theirs are spread over a minute, and
--         no window is as full as that of a burst. Watches of a quiet resource expire too, a few at a time, when they are
--         opened again at their usual end: what tells the two apart is that the one before had ended long before, or has
--         no end at all; where it is not in the log, it may have. Reads are paired in one order, by parts that keep all
--         cores busy, with a count for speed, as in client_reads.
with reads as (
    select
        read_id,
        at_micros,
        end_micros,
        series,
        collection_key,
        read_kind = 'list' as is_list,
        coalesce(
            read_kind = 'watch'
            and (lifetime_secs < $at_once_secs or code = 410)
            and (since_same_end_secs is null or since_same_end_secs >= $cut_off_secs or is_after_open), false
        ) as is_expired
    from client_reads
    where read_kind in ('list', 'watch') and client_type <> 'apiserver'
),
parted as (
    select
        *,
        collection_key % 16 as part
    from reads
    where is_list or is_expired
),
followed as (
    select
        read_id,
        at_micros,
        end_micros,
        series,
        is_list,
        coalesce(
            count(*) over by_collection > 1
            and lag(collection_key) over by_collection = collection_key
            and at_micros - lag(case when is_expired then end_micros end) over by_collection between 0 and $relist_secs * 1e6, false
        ) as is_after_expired
    from parted
    window by_collection as (
        partition by part order by collection_key, at_micros, read_id
        rows between unbounded preceding and unbounded following
    )
),
spaced as (
    select
        *,
        lag(at_micros) over (partition by series order by at_micros, read_id) as earlier_micros
    from followed
    where is_list and is_after_expired
),
islands as (
    select
        *,
        sum(case when at_micros - earlier_micros <= cast($expired_gap_secs * 1e6 as bigint) then 0 else 1 end)
            over (partition by series order by at_micros, read_id rows between unbounded preceding and current row) as island
    from spaced
)
select
    'expired' as pattern,
    min(read_id) over (partition by series, island) as episode,
    read_id
from islands
order by episode, read_id;
