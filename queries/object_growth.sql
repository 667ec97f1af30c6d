-- object_growth: how many objects of each resource were created and deleted during the log, fastest growth first.
-- grain:  api_group, resource
-- reads:  requests
-- why:    Growth, not size: what was there before the log began, no line says. A creation is a 201: of a create, or of
--         an update or server-side apply of what wasn't there. Reviews and dry runs store nothing, and are left out.
--         Deletes can't simply be taken off: a pod is deleted twice, first by whoever wants it gone (or evicts it),
--         then by its kubelet. So growth is reckoned by name: an object that was created last is there at the end,
--         one that was deleted first was there at the beginning. deletion_count counts the requests, evictions too.
--         What a deletecollection deleted is in no line of its own, but for pods, which their kubelets delete; nor is
--         what expires (events, after an hour): growth is then too high. A finalizer may keep a deleted object for
--         long, and its end is a write like any other.
--         A create that only asked for a name's beginning (generateName) has no name, and counts as one object.
--         The rates are over the time from the first thing logged to the last. Without a create or a delete: no row.
with marked as (
    select
        api_group,
        resource,
        namespace,
        name,
        coalesce(started_at, completed_at, received_at) as logged_at,
        coalesce(completed_at, started_at, received_at) as ended_at,
        case
            when coalesce(code not between 200 and 299, true) then null
            when request_uri like '%dryRun=All%' then null
            when api_group in ('authentication.k8s.io', 'authorization.k8s.io') then null
            when subresource = 'eviction' and verb = 'create' then 'delete'
            when subresource is not null then null
            when verb in ('create', 'update', 'patch') and code = 201 then 'create'
            when verb in ('delete', 'deletecollection') then verb
        end as change_kind
    from requests
),
keyed as (
    select
        change_kind is not null as is_change,
        case when change_kind is not null then api_group end as api_group,
        case when change_kind is not null then resource end as resource,
        case when change_kind is not null then namespace end as namespace,
        case when change_kind is not null then name end as name,
        logged_at,
        ended_at,
        change_kind
    from marked
),
objects as (
    select
        is_change,
        api_group,
        resource,
        name,
        min(logged_at) as first_logged_at,
        max(ended_at) as last_logged_at,
        count(*) filter (where change_kind = 'create') as created_count,
        count(*) filter (where change_kind = 'delete') as deletion_count,
        count(*) filter (where change_kind = 'deletecollection') as collection_deletion_count,
        min(ended_at) filter (where change_kind = 'create') as first_created_at,
        max(ended_at) filter (where change_kind = 'create') as last_created_at,
        min(ended_at) filter (where change_kind = 'delete') as first_deleted_at,
        max(ended_at) filter (where change_kind = 'delete') as last_deleted_at
    from keyed
    group by is_change, api_group, resource, namespace, name
),
judged as (
    select
        *,
        case
            when name is null then created_count - deletion_count
            when created_count = 0 and deletion_count = 0 then 0
            else
                case when created_count > 0 and coalesce(last_created_at > last_deleted_at, true) then 1 else 0 end
                - case when deletion_count > 0 and coalesce(first_deleted_at < first_created_at, true) then 1 else 0 end
        end as growth
    from objects
),
summed as (
    select
        is_change,
        api_group,
        resource,
        min(first_logged_at) as first_logged_at,
        max(last_logged_at) as last_logged_at,
        sum(created_count) as created_count,
        sum(deletion_count) as deletion_count,
        sum(collection_deletion_count) as collection_deletion_count,
        sum(growth) as growth_count
    from judged
    group by is_change, api_group, resource
),
spanned as (
    select
        is_change,
        api_group,
        resource,
        created_count,
        deletion_count,
        collection_deletion_count,
        growth_count,
        nullif(
            cast(max(last_logged_at) over () as bigint) - cast(min(first_logged_at) over () as bigint), 0
        ) / 1e6 as log_secs
    from summed
)
select
    api_group,
    resource,
    created_count,
    deletion_count,
    collection_deletion_count,
    growth_count,
    3600.0 * growth_count / log_secs as growth_per_hour,
    created_count / log_secs as created_rps
from spanned
where is_change
order by growth_count desc, created_count desc, api_group, resource;
