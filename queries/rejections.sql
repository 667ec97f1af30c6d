-- rejections: times in which an apiserver rejected requests with 429: whose, and whose LISTs kept it busy meanwhile.
-- grain:  apiserver, started_at
-- reads:  requests, clients, client_reads
-- params: $episode_gap_secs secs = 60, longest pause between two rejections of one episode
-- for:    reports
-- why:    A 429 without a reason and before authorization is API Priority and Fairness', or the limit of requests in flight of
--         a server without it: which of the two, and which priority level, no log says. Those who are rejected need not be
--         those who fill the level: busiest_client had most LISTs in flight on that server between the first and the last
--         rejection, by LIST-seconds. A bystander is a client that was rejected though it had less than a hundredth of those.
with rejected as (
    select
        apiserver,
        cast(received_at as bigint) as at_micros,
        coalesce(client_type, 'unknown') as client_type,
        coalesce(client, requests.user_name, '(unauthenticated)') as client,
        coalesce(requests.user_name, '(unauthenticated)') as user_name,
        audit_id,
        source_file,
        source_line
    from requests
    left join clients on clients.caller_key = requests.caller_key
    where code = 429 and reason is null and authorization_decision is null and received_at is not null
),
spaced as (
    select
        *,
        lag(at_micros) over (partition by apiserver order by at_micros, source_file, source_line) as before_micros
    from rejected
),
islands as (
    select
        *,
        sum(case when at_micros - before_micros <= cast($episode_gap_secs * 1e6 as bigint) then 0 else 1 end) over (
            partition by apiserver order by at_micros, source_file, source_line
            rows between unbounded preceding and current row
        ) as island
    from spaced
),
spans as (
    select
        apiserver,
        island,
        min(at_micros) as started_micros,
        max(at_micros) as ended_micros
    from islands
    group by apiserver, island
),
busy as (
    select
        spans.apiserver,
        spans.island,
        client_reads.client_type,
        client_reads.client,
        sum(least(end_micros, ended_micros) - greatest(at_micros, started_micros)) as list_micros
    from client_reads
    inner join spans
        on coalesce(spans.apiserver, '') = coalesce(client_reads.apiserver, '')
        and at_micros < ended_micros
        and end_micros > started_micros
    where verb = 'list'
    group by spans.apiserver, spans.island, client_reads.client_type, client_reads.client
),
busy_ranked as (
    select
        *,
        sum(list_micros) over (partition by apiserver, island) as all_list_micros,
        row_number() over (partition by apiserver, island order by list_micros desc, client_type, client) as busy_rank
    from busy
),
by_client as (
    select
        apiserver,
        island,
        client_type,
        client,
        count(*) as rejected_count,
        any_value(user_name) as user_name
    from islands
    group by apiserver, island, client_type, client
),
placed as (
    select
        by_client.*,
        coalesce(100 * list_micros < all_list_micros, true) as is_bystander,
        row_number() over (
            partition by by_client.apiserver, by_client.island
            order by rejected_count desc, by_client.client_type, by_client.client
        ) as rejected_rank
    from by_client
    left join busy_ranked
        on coalesce(busy_ranked.apiserver, '') = coalesce(by_client.apiserver, '')
        and busy_ranked.island = by_client.island
        and busy_ranked.client_type = by_client.client_type
        and busy_ranked.client = by_client.client
),
clients_summed as (
    select
        apiserver,
        island,
        count(*) as client_count,
        sum(rejected_count) as rejected_count,
        coalesce(sum(rejected_count) filter (where is_bystander), 0) as bystander_rejected_count,
        array_agg(arrow_cast(client_type, 'Utf8') order by rejected_rank) filter (where rejected_rank <= 5) as client_types,
        array_agg(arrow_cast(client, 'Utf8') order by rejected_rank) filter (where rejected_rank <= 5) as rejected_clients,
        array_agg(rejected_count order by rejected_rank) filter (where rejected_rank <= 5) as client_rejected_counts
    from placed
    group by apiserver, island
),
ranked as (
    select
        *,
        row_number() over (partition by apiserver, island order by at_micros, source_file, source_line) as evidence_rank
    from islands
),
evidence as (
    select
        apiserver,
        island,
        array_agg(arrow_cast(coalesce(audit_id, '(none)'), 'Utf8') order by evidence_rank) as evidence_audit_ids,
        array_agg(arrow_cast(concat(source_file, ':', cast(source_line as varchar)), 'Utf8') order by evidence_rank)
            as evidence_places
    from ranked
    where evidence_rank <= 3
    group by apiserver, island
)
select
    spans.apiserver,
    arrow_cast(started_micros, 'Timestamp(Microsecond, Some("UTC"))') as started_at,
    arrow_cast(ended_micros, 'Timestamp(Microsecond, Some("UTC"))') as ended_at,
    rejected_count,
    client_count,
    bystander_rejected_count,
    client_types,
    rejected_clients,
    client_rejected_counts,
    busy_ranked.client_type as busiest_client_type,
    busy_ranked.client as busiest_client,
    busy_ranked.list_micros / 1e6 as busiest_list_secs,
    busy_ranked.all_list_micros / 1e6 as all_list_secs,
    evidence_audit_ids,
    evidence_places
from spans
inner join clients_summed
    on coalesce(clients_summed.apiserver, '') = coalesce(spans.apiserver, '') and clients_summed.island = spans.island
inner join evidence
    on coalesce(evidence.apiserver, '') = coalesce(spans.apiserver, '') and evidence.island = spans.island
left join busy_ranked
    on coalesce(busy_ranked.apiserver, '') = coalesce(spans.apiserver, '')
    and busy_ranked.island = spans.island
    and busy_rank = 1
order by rejected_count desc, spans.apiserver, started_at;
