-- watch_fanouts: how many watch events the writes of each resource cause: writes per second times open watches.
-- grain:  api_group, resource
-- reads:  requests
-- why:    Each write that changes an object is encoded and sent to every watch that it concerns, on every apiserver.
--         The log shows the writes and the watches, not what was sent, so it stands between two bounds:
--         min_sent_rps  to the watches of the whole cluster without a selector, which get everything
--         max_sent_rps  to all watches of the resource, as if each write concerned every one of them
--         A pod that a kubelet watches concerns one kubelet: the truth is then near the lower bound.
--         Writes are those that succeeded, of subresources that change the object too, without dry runs. One that
--         changes nothing sends nothing, and is counted all the same. Resources of two groups that are one in
--         storage (events) count apart, though the watches of either see both. Rates and means are each apiserver's
--         over its own log, added up in whole millionths: the same on any thread count. A watch without an end counts
--         to its log's end: after a kill that is too long.
--         Without both a write and a watch in the log there is no row: a policy that drops one of them hides it all.
with marked as (
    select
        apiserver,
        api_group,
        resource,
        coalesce(started_at, completed_at, received_at) as logged_at,
        coalesce(completed_at, started_at, received_at) as ended_at,
        coalesce(
            verb in ('create', 'update', 'patch', 'delete', 'deletecollection')
            and code between 200 and 299
            and coalesce(
                subresource not in ('attach', 'exec', 'eviction', 'portforward', 'proxy', 'token'), true
            )
            and request_uri not like '%dryRun=All%',
            false
        ) as is_change,
        code = 201 and subresource is null as is_creation,
        coalesce(verb = 'watch' and (code < 400 or code is null), false) as is_watch,
        scope = 'cluster' and label_selector is null and field_selector is null as is_whole,
        received_at,
        started_at,
        completed_at
    from requests
),
grouped as (
    select
        apiserver,
        api_group,
        resource,
        is_watch,
        coalesce(is_watch and is_whole, false) as is_whole_watch,
        case when is_watch then cast(coalesce(started_at, received_at) as bigint) end as opened_micros,
        case when is_watch then cast(completed_at as bigint) end as closed_micros,
        count(*) as request_count,
        count(*) filter (where is_change) as change_count,
        count(*) filter (where is_change and is_creation) as created_count,
        min(logged_at) as first_logged_at,
        max(ended_at) as last_logged_at
    from marked
    group by apiserver, api_group, resource, is_watch, is_whole_watch, opened_micros, closed_micros
),
spanned as (
    select
        *,
        cast(min(first_logged_at) over (partition by apiserver) as bigint) as log_from_micros,
        cast(max(last_logged_at) over (partition by apiserver) as bigint) as log_to_micros
    from grouped
),
lived as (
    select
        *,
        nullif(log_to_micros - log_from_micros, 0) / 1e6 as log_secs,
        case
            when is_watch then
                request_count
                * greatest(coalesce(closed_micros, log_to_micros) - greatest(opened_micros, log_from_micros), 0)
        end as watch_micros
    from spanned
),
by_apiserver as (
    select
        apiserver,
        api_group,
        resource,
        log_secs,
        sum(change_count) as change_count,
        sum(created_count) as created_count,
        coalesce(sum(request_count) filter (where is_watch), 0) as opened_watch_count,
        coalesce(sum(watch_micros), 0) / 1e6 / log_secs as open_watches,
        coalesce(sum(watch_micros) filter (where is_whole_watch), 0) / 1e6 / log_secs as open_whole_watches
    from lived
    group by apiserver, api_group, resource, log_secs
),
summed as (
    select
        api_group,
        resource,
        sum(change_count) as change_count,
        sum(created_count) as created_count,
        sum(opened_watch_count) as opened_watch_count,
        sum(cast(round(1e6 * change_count / log_secs) as bigint)) / 1e6 as change_rps,
        sum(cast(round(1e6 * open_watches) as bigint)) / 1e6 as mean_open_watch_count,
        sum(cast(round(1e6 * open_whole_watches) as bigint)) / 1e6 as mean_whole_watch_count
    from by_apiserver
    where resource is not null
    group by api_group, resource
)
select
    api_group,
    resource,
    change_count,
    created_count,
    change_rps,
    opened_watch_count,
    mean_open_watch_count,
    mean_whole_watch_count,
    change_rps * mean_whole_watch_count as min_sent_rps,
    change_rps * mean_open_watch_count as max_sent_rps
from summed
where change_count > 0 and opened_watch_count > 0
order by max_sent_rps desc nulls last, api_group, resource;
