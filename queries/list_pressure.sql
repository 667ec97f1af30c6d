-- list_pressure: the memory that each type of client's LISTs held on a server over time, at the worst instant of each bucket.
-- grain:  apiserver, bucket_at, client_type
-- reads:  client_reads
-- params: $bucket_secs secs = 10, length of a bucket; buckets start at whole multiples of it since 1970, and shift_micros later
--         $shift_micros micros = 0, from 0 to less than a bucket: makes a bucket end where a server did
--         $from_micros micros = 0, the first instant to look at, in microseconds since 1970
--         $to_micros micros = 9000000000000000, the last one
-- for:    reports
-- why:    Memory is filled by what is in flight at one instant, so the rows of a bucket are all of the same instant: the one
--         at which the middle of the estimate is highest, and of equal ones the one with most lists, then the first (bytes
--         weigh so much more than a list; when_most_at_once is a function that comes along). Adding
--         up the types' own peaks would say more than ever was. The estimate of a list that is known only at least
--         counts as its low end in both, and in unbounded_count: then nothing bounds the sum. Lists of unknown size are
--         counted (unknown_count), and hold nothing here. Slack is garbage that comes once for all lists: of the types'
--         slacks only the highest counts. A list that its server didn't outlive is in flight to the start of the next; one
--         that waits in a queue isn't yet; see client_reads. A bucket without a row had none.
with lists as (
    select
        read_id,
        apiserver,
        client_type,
        greatest(holds_from_micros, $from_micros) as from_micros,
        least(end_micros, $to_micros) as to_micros,
        cast($bucket_secs * 1e6 as bigint) as bucket_micros,
        $shift_micros as shift_micros,
        held_low_bytes,
        held_high_bytes,
        slack_low_bytes,
        slack_high_bytes
    from client_reads
    where verb = 'list'
        and read_kind in ('list', 'page')
        and (code is null or code < 400)
        and end_micros > holds_from_micros
        and end_micros > $from_micros
        and holds_from_micros < $to_micros
),
laid as (
    select
        *,
        unnest(
            generate_series(
                (from_micros - shift_micros) / bucket_micros, (to_micros - 1 - shift_micros) / bucket_micros
            )
        ) as bucket
    from lists
),
pieces as (
    select
        read_id,
        apiserver,
        client_type,
        bucket,
        bucket_micros,
        shift_micros,
        greatest(from_micros, bucket * bucket_micros + shift_micros) as from_micros,
        least(to_micros, (bucket + 1) * bucket_micros + shift_micros) as to_micros,
        held_low_bytes,
        held_low_bytes is not null and held_high_bytes is null as is_unbounded,
        coalesce(held_high_bytes, held_low_bytes) as held_high_bytes,
        slack_low_bytes,
        slack_high_bytes
    from laid
),
peaks as (
    select
        apiserver,
        bucket,
        when_most_at_once(
            from_micros, to_micros, 1024 * (coalesce(held_low_bytes, 0) + coalesce(held_high_bytes, 0)) + 1
        ) as peak_micros
    from pieces
    group by apiserver, bucket
)
select
    pieces.apiserver,
    arrow_cast(pieces.bucket * max(bucket_micros) + max(shift_micros), 'Timestamp(Microsecond, Some("UTC"))') as bucket_at,
    client_type,
    arrow_cast(max(peak_micros), 'Timestamp(Microsecond, Some("UTC"))') as peak_at,
    count(*) as inflight_count,
    count(*) filter (where held_low_bytes is null) as unknown_count,
    count(*) filter (where is_unbounded) as unbounded_count,
    coalesce(sum(held_low_bytes), 0) as inflight_low_bytes,
    coalesce(sum(held_high_bytes), 0) as inflight_high_bytes,
    coalesce(max(slack_low_bytes), 0) as slack_low_bytes,
    coalesce(max(slack_high_bytes), 0) as slack_high_bytes
from pieces
inner join peaks
    on (peaks.apiserver is not distinct from pieces.apiserver)
    and peaks.bucket = pieces.bucket
    and peaks.peak_micros >= pieces.from_micros
    and peaks.peak_micros < pieces.to_micros
group by pieces.apiserver, pieces.bucket, client_type
order by pieces.apiserver, bucket_at, client_type;
