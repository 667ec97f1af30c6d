-- cut_off_reads: the LISTs, deletions of collections and watches that had no end when an apiserver was last heard of.
-- grain:  client_type, client, verb, api_group, resource
-- reads:  client_reads, collection_reads
-- params: $after_micros micros = 0, what was received before this was of an earlier server, in microseconds since 1970
--         $cut_micros micros = 9000000000000000, when the server was last heard of
--         $server text = *, the apiserver; of one without a name the empty text; * for all
-- for:    reports
-- why:    These were in flight when the server died. Lists are here only where the policy logs RequestReceived: if it omits
--         that, no row proves nothing. Watches are here where ResponseStarted is logged. A deletecollection reads the whole
--         collection before it deletes, and goes on for minutes. Other writes and reads of single objects are in open_requests.
--         Evidence is the reads that would have held most, then the oldest. Where the size of one is known only at least,
--         held_high_bytes is null.
with unfinished as (
    select
        client_reads.*,
        audit_id,
        concat(source_file, ':', cast(source_line as varchar)) as place,
        row_number() over (
            partition by client_type, client, client_reads.verb, client_reads.api_group, client_reads.resource
            order by held_high_bytes desc nulls last, at_micros, read_id
        ) as rank
    from client_reads
    inner join collection_reads on collection_reads.request_key = client_reads.read_id
    where client_reads.outcome = 'open'
        and client_reads.read_kind in ('list', 'page', 'watch', 'deletion')
        and at_micros > $after_micros
        and at_micros <= $cut_micros
        and $server in ('*', coalesce(client_reads.apiserver, ''))
)
select
    client_type,
    client,
    verb,
    api_group,
    resource,
    count(*) as open_count,
    count(distinct concat_ws(' ', user_name, instance)) as instance_count,
    min(received_at) as first_received_at,
    max(received_at) as last_received_at,
    sum(held_low_bytes) as held_low_bytes,
    case when count(held_high_bytes) = count(held_low_bytes) then sum(held_high_bytes) end as held_high_bytes,
    array_agg(arrow_cast(coalesce(audit_id, '(none)'), 'Utf8') order by rank) filter (where rank <= 3) as evidence_audit_ids,
    array_agg(arrow_cast(place, 'Utf8') order by rank) filter (where rank <= 3) as evidence_places
from unfinished
group by client_type, client, verb, api_group, resource
order by verb, held_high_bytes desc nulls last, open_count desc, client_type, client, api_group, resource;
