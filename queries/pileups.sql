-- pileups: LISTs that were in flight together, more than a server can take.
-- grain:  read_id
-- reads:  client_reads
-- params: $min_pileup_count count = 20, so many weighty lists in flight are a pile
--         $min_pileup_bytes bytes = 500000000, or lists that hold at least so much
--         $min_weighty_bytes bytes = 1000000, a list that can't hold so much has no weight
--         $pileup_gap_secs secs = 5, longest pause between two piles that are one episode
-- for:    other queries
-- why:    What kills a server is not how many lists it gets but how many it holds at once. The sweep is exact: one up at
--         each receipt, one down at each end, server by server; a list that arrives as another ends does not stand beside
--         it. A list is in a pile if it arrives in one or is still in flight when one begins. In a
--         queue of API Priority and Fairness a list counts, but holds nothing. Lists whose size nobody
--         knows have weight unless they ask for one node's objects. Watch-lists hold little, and no log tells how long.
with weighty as (
    select
        read_id,
        apiserver,
        at_micros,
        holds_from_micros,
        end_micros,
        coalesce(held_low_bytes, 0) as held_bytes
    from client_reads
    where verb = 'list'
        and outcome <> 'unknown'
        and client_type <> 'apiserver'
        and read_kind in ('list', 'page')
        and (code is null or code < 400)
        and not (is_node_scoped and held_high_bytes is null)
        and (held_high_bytes is null or held_high_bytes >= $min_weighty_bytes)
),
changes as (
    select
        read_id,
        apiserver,
        end_micros,
        case
            when change = 1 then at_micros
            when held_change = 1 then holds_from_micros
            else end_micros
        end as change_micros,
        change,
        held_change,
        held_change * held_bytes as held_bytes
    from weighty
    cross join (values (1, 0), (0, 1), (-1, -1)) as ends (change, held_change)
),
swept as (
    select
        read_id,
        apiserver,
        end_micros,
        change_micros,
        change,
        held_change,
        sum(change) over by_time as inflight_count,
        sum(held_bytes) over by_time as inflight_bytes
    from changes
    window by_time as (
        partition by apiserver order by change_micros, held_change, change, read_id
        rows between unbounded preceding and current row
    )
),
arriving as (
    select
        *,
        case
            when inflight_count >= $min_pileup_count or inflight_bytes >= $min_pileup_bytes then change_micros
        end as hot_micros
    from swept
    where change = 1 or held_change = 1
),
reaching as (
    select
        *,
        min(hot_micros) over (
            partition by apiserver order by change_micros desc, read_id desc
            rows between unbounded preceding and current row
        ) as next_hot_micros
    from arriving
),
piled as (
    select
        *,
        max(end_micros) over (
            partition by apiserver order by change_micros, read_id rows between unbounded preceding and 1 preceding
        ) as busy_until_micros
    from reaching
    where change = 1 and next_hot_micros < end_micros
),
islands as (
    select
        *,
        sum(case when change_micros - busy_until_micros <= cast($pileup_gap_secs * 1e6 as bigint) then 0 else 1 end)
            over (partition by apiserver order by change_micros, read_id rows between unbounded preceding and current row) as island
    from piled
)
select
    'pileup' as pattern,
    min(read_id) over (partition by apiserver, island) as episode,
    read_id
from islands
order by episode, read_id;
