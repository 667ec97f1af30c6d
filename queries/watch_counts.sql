-- watch_counts: for how long watches were open, by what they watch: what makes writes expensive.
-- grain:  apiserver, api_group, resource, namespace
-- reads:  requests
-- for:    reports
-- kept:   The seats of writes are estimated from these rows.
-- why:    After a write its seats are held on for the sake of the watches that hear of it, counted on this apiserver
--         alone: those of the resource everywhere (namespace null here), and those in the object's namespace. As the
--         server does, watches of pods by node are left out; watches of one object by its name are left out too, as they
--         are too many to count one by one. watch_secs over the time that the log spans is how many were open on
--         average. Watches without an end in the log add nothing to that: open_count were received at
--         mean_open_received_at on average, and last until the log ends.
select
    apiserver,
    api_group,
    resource,
    namespace,
    count(*) as watch_count,
    count(*) filter (where outcome = 'open') as open_count,
    coalesce(sum(cast(completed_at as bigint) - cast(received_at as bigint)), 0) / 1e6 as watch_secs,
    arrow_cast(
        cast(avg(cast(received_at as bigint)) filter (where outcome = 'open') as bigint),
        'Timestamp(Microsecond, Some("UTC"))'
    ) as mean_open_received_at,
    max(coalesce(completed_at, received_at)) as last_at
from requests
where verb = 'watch'
    and name is null
    and received_at is not null
    and coalesce(code, 200) = 200
    and not coalesce(resource = 'pods' and field_selector like '%spec.nodeName=%', false)
group by apiserver, api_group, resource, namespace
order by watch_secs desc, apiserver, api_group, resource, namespace;
