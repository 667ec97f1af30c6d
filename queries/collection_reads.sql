-- collection_reads: every request that reads a collection or discovery documents, and what the apiserver asks of itself.
-- grain:  apiserver, audit_id, received_at
-- reads:  requests
-- for:    other queries
-- kept:   All that looks for storms reads these rows, some of it several times; the log they came from is read once.
-- why:    `read_kind` sorts by what a read does to the server: `list` begins a collection, whole or by its first page,
--         and a watch that begins with the collection is one; `page` goes on with it; `object` asks for one object by
--         name; `watch` is a watch that doesn't begin with the collection; `discovery` reads the API's own description.
--         `deletion` is a deletecollection, which lists the collection as a whole before it deletes one object after the
--         other. `shape` is all that decides what a list costs; list_costs has the bytes for each. Selectors count only by
--         kind, since how many objects one selects is in no log. What is indented for people to read isn't streamed, and
--         so costs more.
select
    request_key,
    caller_key,
    repeat_key,
    collection_key,
    received_at,
    started_at,
    completed_at,
    apiserver,
    audit_id,
    user_name,
    user_agent,
    instance,
    case
        when verb = 'deletecollection' then 'deletion'
        when list_kind = 'by_name' then 'object'
        when list_kind = 'next_page' then 'page'
        when list_kind is not null then 'list'
        when verb = 'watch' then 'watch'
        when is_resource_request is not true then 'discovery'
        else 'other'
    end as read_kind,
    verb,
    api_group,
    resource,
    namespace,
    scope,
    list_kind,
    case
        when list_kind is not null or verb = 'deletecollection' then
            concat_ws(
                ' ',
                concat_ws('.', resource, nullif(api_group, '')),
                coalesce(list_kind, verb),
                scope,
                case when field_selector like '%spec.nodeName=%' then 'node' end,
                case when label_selector is not null then 'labels' end,
                case when field_selector is not null and field_selector not like '%spec.nodeName=%' then 'fields' end,
                case when list_kind in ('first_page', 'next_page', 'exact') then cast("limit" as varchar) end,
                case when is_pretty and list_kind <> 'watch_list' then 'pretty' end
            )
    end as shape,
    "limit",
    continue_revision,
    label_selector is not null or field_selector is not null as has_selector,
    coalesce(field_selector like '%spec.nodeName=%', false) as is_node_scoped,
    coalesce(is_pretty and list_kind <> 'watch_list', false) as is_pretty,
    path,
    nullif(timeout_secs, 0) as timeout_secs,
    client_timeout_secs,
    impersonated_user_name,
    pod_name is not null as is_pod,
    outcome,
    code,
    duration_secs,
    latency_decode_secs,
    latency_total_secs,
    latency_apf_queue_wait_secs,
    is_startup,
    source_file,
    source_line
from requests
where received_at is not null
    and (
        verb in ('list', 'watch', 'deletecollection')
        or is_startup
        or user_name = 'system:apiserver'
        or (
            verb = 'get'
            and (starts_with(path, '/api') or starts_with(path, '/openapi/v'))
        )
    );
