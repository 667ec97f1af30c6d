-- client_lists: the LISTs of each client in a period and the one before: instances, sizes, most at once.
-- grain:  client_type, client, is_this
-- reads:  client_reads
-- params: $from_micros micros = 0, where the period before begins, in microseconds since 1970
--         $period_micros micros = 0, where this period begins
--         $to_micros micros = 9000000000000000, where it ends
-- for:    reports
-- why:    A client grows for one of three reasons: more instances, more lists of each, or bigger answers. Instances are those
--         that read collections at all, lists include pages and watch-lists. Bytes are estimates, from one size of each
--         resource for all of the log: that a collection grew doesn't show in them. held bytes are the most that the client's
--         lists held at once on all servers together, without the garbage that all share; low and high need not be
--         of the same instant. Where the size of some is known only at least, the high bytes are null. Peaks of several servers can't be told apart here, so they may be somewhat too high.
select
    client_type,
    client,
    at_micros >= $period_micros as is_this,
    count(distinct concat_ws(' ', user_name, instance)) as instance_count,
    count(*) filter (where read_kind in ('list', 'page')) as list_count,
    count(*) filter (where read_kind = 'list' and list_kind in ('full', 'cached', 'reflector', 'relist') and scope = 'cluster')
        as whole_list_count,
    sum(response_low_bytes) filter (where read_kind in ('list', 'page')) as response_low_bytes,
    case
        when count(response_high_bytes) = count(response_low_bytes)
            then sum(response_high_bytes) filter (where read_kind in ('list', 'page'))
    end as response_high_bytes,
    most_at_once(at_micros, end_micros, case when is_held then 1 else 0 end) as peak_list_count,
    most_at_once(at_micros, end_micros, case when is_held then held_low_bytes end) as peak_low_bytes,
    case
        when
            count(held_high_bytes) filter (where is_held) = count(held_low_bytes) filter (where is_held)
            then most_at_once(at_micros, end_micros, case when is_held then held_high_bytes end)
    end as peak_high_bytes
from (
    select
        *,
        verb = 'list' and read_kind in ('list', 'page') and (code is null or code < 400) as is_held
    from client_reads
    where read_kind in ('list', 'page', 'watch') and at_micros >= $from_micros and at_micros < $to_micros
) as reads
group by client_type, client, at_micros >= $period_micros
order by response_high_bytes desc nulls last, list_count desc, client_type, client, is_this;
