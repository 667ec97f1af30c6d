-- repeated_requests: requests that an instance makes many times a minute: GETs of objects, writes that fail, what is refused.
-- grain:  pattern, caller_key, instance_key, api_group, resource, verb, minute_number
-- reads:  requests
-- for:    other queries
-- kept:   Loops are looked for in these few rows, in the one reading of the logs.
-- params: $min_repeat_count count = 5, fewest requests of a row
--         $failing_share ratio = 0.9, share of writes that fail, at least
--         $origin_micros micros = 0, a day before the log begins: minutes are counted from there
-- why:    Requests of single objects are most of a log, so they are counted by the minute while it is read, and what came
--         only a few times is dropped: an instance that loops comes in every minute. What was refused (401, 403) counts
--         whatever its verb. Writes that fail are those that the object itself stands against: it is there already or was
--         changed meanwhile (409), or isn't valid (422). An update or patch that lost against another writer is read and
--         tried again, and then succeeds: a minute in which one did is no loop. Leases are left out: that their holders
--         and candidates ask again and again is their task. only_object_key is the object where all are of one, and the
--         log names it. A row's evidence is its first request.
with counted as (
    select
        case
            when code in (401, 403) then 'refusals'
            when verb = 'get' then 'gets'
            else 'failing-writes'
        end as pattern,
        caller_key,
        instance_key,
        api_group,
        resource,
        verb,
        (cast(received_at as bigint) - $origin_micros) / 60000000 as minute_number,
        any_value(instance) as instance,
        count(*) as request_count,
        count(*) filter (where code in (409, 422)) as failed_count,
        count(*) filter (where code = 401) as unauthenticated_count,
        count(*) filter (where code = 403 and authorization_decision = 'forbid') as forbidden_count,
        count(*) filter (where code = 409) as conflict_count,
        case when count(name) = count(*) and min(object_key) = max(object_key) then min(object_key) end as only_object_key,
        min(received_at) as first_received_at,
        max(received_at) as last_received_at,
        first_value(audit_id order by received_at, source_line) as first_audit_id,
        first_value(source_file order by received_at, source_line) as first_source_file,
        first_value(source_line order by received_at, source_line) as first_source_line
    from requests
    where received_at is not null
        and (
            code in (401, 403)
            or (resource <> 'leases' and verb in ('create', 'update', 'patch', 'delete'))
            or (
                resource <> 'leases' and verb = 'get' and name is not null and subresource is null
                and coalesce(code, 200) <> 429
            )
        )
    group by
        case
            when code in (401, 403) then 'refusals'
            when verb = 'get' then 'gets'
            else 'failing-writes'
        end,
        caller_key, instance_key, api_group, resource, verb, (cast(received_at as bigint) - $origin_micros) / 60000000
)
select
    pattern,
    caller_key,
    instance_key,
    api_group,
    resource,
    verb,
    minute_number,
    instance,
    request_count,
    failed_count,
    unauthenticated_count,
    forbidden_count,
    conflict_count,
    only_object_key,
    first_received_at,
    last_received_at,
    first_audit_id,
    first_source_file,
    first_source_line
from counted
where request_count >= $min_repeat_count
    and (
        pattern <> 'failing-writes'
        or failed_count = request_count
        or (verb not in ('update', 'patch') and failed_count >= $failing_share * cast(request_count as double))
    );
