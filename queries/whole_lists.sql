-- whole_lists: how quickly whole collections were listed, which bounds how big they are.
-- grain:  api_group, resource
-- reads:  requests
-- for:    reports
-- why:    No server sends more than so many bytes a second: what was answered in 10 ms is small. Timed are successful LISTs
--         of all objects in all namespaces without a limit; one with a limit may be a page, even of an informer, while
--         the watch cache is being built. Who asks for metadata or tables only gets less than the objects, and no log
--         shows who does, but for informers of metadata that name themselves. So it is not the quickest LIST of all, but
--         the quickest of each client (user and user agent), and of those the one at the first quarter, never the very
--         first of several.
--         partial_list_count is that of LISTs over all namespaces that returned less: pages, and those that select.
with lists as (
    select
        object_key,
        caller_key,
        any_value(api_group) as api_group,
        any_value(resource) as resource,
        count(*) filter (where is_whole) as whole_list_count,
        count(*) filter (where not is_whole) as partial_list_count,
        min(unlimited_secs) filter (where is_whole) as quickest_secs
    from (
        select
            object_key,
            caller_key,
            api_group,
            resource,
            list_kind in ('full', 'cached', 'relist', 'reflector')
                and label_selector is null
                and field_selector is null as is_whole,
            case
                when coalesce("limit", 0) = 0 and coalesce(user_agent, '') not like '%/metadata-informers%'
                    then duration_secs
            end as unlimited_secs
        from requests
        where
            verb = 'list'
            and scope = 'cluster'
            and resource is not null
            and subresource is null
            and outcome = 'complete'
            and code = 200
    )
    group by object_key, caller_key
),
ranked as (
    select
        *,
        row_number() over (partition by api_group, resource order by quickest_secs nulls last) as caller_rank,
        count(quickest_secs) over (partition by api_group, resource) as caller_count
    from lists
)
select
    api_group,
    resource,
    sum(whole_list_count) as whole_list_count,
    sum(partial_list_count) as partial_list_count,
    max(caller_count) as caller_count,
    max(quickest_secs) filter (where caller_rank = least(caller_count, (caller_count + 7) / 4)) as quickest_secs
from ranked
group by api_group, resource
order by api_group, resource;
