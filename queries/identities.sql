-- identities: every user with every user agent that it sends, and what its requests look like.
-- grain:  user_name, user_agent
-- reads:  requests
-- for:    other queries
-- kept:   Clients are told from these rows, and then told of.
-- why:    The user is who the server says it is, the user agent only what the client says; a client is told from both,
--         and from the shape of its requests: informers of client-go set allowWatchBookmarks, its typed ones also a
--         `timeout` beside timeoutSeconds; agents on nodes select by spec.nodeName. One pod stands for all.
--         Groups are those of the first in order, as all of one user have the same. The keys are numbers that stand for
--         the text beside them: grouping by text takes several times as long. The second grouping has few rows left.
with by_instance as (
    select
        caller_key,
        groups_key,
        instance_key,
        any_value(user_name) as user_name,
        any_value(user_agent) as user_agent,
        array_to_string(any_value(user_groups), chr(31)) as user_groups,
        any_value(pod_name) as pod_name,
        count(*) as request_count,
        count(*) filter (where verb = 'list') as list_count,
        count(*) filter (where verb = 'watch') as watch_count,
        count(*) filter (where list_kind = 'full') as full_list_count,
        count(*) filter (where verb in ('create', 'update', 'patch', 'delete', 'deletecollection')) as write_count,
        count(*) filter (where code = 429) as rejected_count,
        count(*) filter (where field_selector like '%spec.nodeName=%' and verb in ('list', 'watch')) as node_scoped_count,
        count(*) filter (where allow_watch_bookmarks and verb = 'watch') as reflector_count,
        count(*) filter (where client_timeout_secs is not null and verb = 'watch') as typed_informer_count,
        min(received_at) as first_received_at,
        max(received_at) as last_received_at
    from requests
    group by caller_key, groups_key, instance_key
)
select
    any_value(user_name) as user_name,
    any_value(user_agent) as user_agent,
    caller_key,
    arrow_cast(string_to_array(min(user_groups), chr(31)), 'List(Utf8View)') as user_groups,
    min(pod_name) as pod_name,
    sum(request_count) as request_count,
    sum(list_count) as list_count,
    sum(watch_count) as watch_count,
    sum(full_list_count) as full_list_count,
    sum(write_count) as write_count,
    sum(rejected_count) as rejected_count,
    sum(node_scoped_count) as node_scoped_count,
    sum(reflector_count) as reflector_count,
    sum(typed_informer_count) as typed_informer_count,
    count(distinct instance_key) as instance_count,
    min(first_received_at) as first_received_at,
    max(last_received_at) as last_received_at
from by_instance
group by caller_key
order by request_count desc, user_name, user_agent;
