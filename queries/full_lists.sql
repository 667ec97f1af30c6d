-- full_lists: LISTs of whole collections by clients that are not informers.
-- grain:  read_id
-- reads:  client_reads
-- params: $full_list_gap_secs secs = 900, longest pause between two of a client that are one episode
--         $long_list_secs secs = 600, a LIST that takes so long is of interest whatever it asks for
-- for:    other queries
-- why:    Whole and most recent (no limit, no resourceVersion) is the dearest list there is; whole from the cache
--         (resourceVersion=0 without a limit) is cheaper. What informers do when they begin, `reflector` and `relist`, is
--         as whole, but once; when it is not, that is a burst or a loop. Lists with selectors return less, though from
--         etcd they read as much; they are not here, but for those that take very long. Pages are no such list.
with full_reads as (
    select
        read_id,
        at_micros,
        end_micros,
        series
    from client_reads
    where verb = 'list'
        and (
            (list_kind in ('full', 'cached') and scope = 'cluster' and not has_selector)
            or (
                duration_secs >= $long_list_secs
                and list_kind in ('full', 'cached', 'reflector', 'relist', 'exact')
            )
        )
        and client_type <> 'apiserver'
        and (code is null or code < 400)
),
spaced as (
    select
        *,
        max(end_micros) over (
            partition by series order by at_micros, read_id rows between unbounded preceding and 1 preceding
        ) as busy_until_micros
    from full_reads
),
islands as (
    select
        *,
        sum(case when at_micros - busy_until_micros <= cast($full_list_gap_secs * 1e6 as bigint) then 0 else 1 end)
            over (partition by series order by at_micros, read_id rows between unbounded preceding and current row) as island
    from spaced
)
select
    'full' as pattern,
    min(read_id) over (partition by series, island) as episode,
    read_id
from islands
order by episode, read_id;
