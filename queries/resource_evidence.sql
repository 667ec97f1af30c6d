-- resource_evidence: what the log shows about how many objects a resource has, and how large they are.
-- grain:  api_group, resource
-- reads:  requests
-- for:    reports
-- why:    No event says how big a collection is; four traces of it are left, of successful requests only:
--         *name_count     objects named by reads and writes. Those not deleted again exist, so it is a lower bound:
--                         what nobody touched has no name here, and neither deletecollection nor a time to live
--                         (events) names what it removes
--         kubelet_count   nodes whose kubelet touched an object: near the number of nodes where each has its own
--                         (leases, nodes, pods)
--         *object_bytes   logged bodies of single objects, the largest of each object, so that one which is written
--                         all day weighs no more than another. A get may have been answered by a table or metadata only
--         *chain*         next pages of unselected lists of all namespaces. All pages of a chain carry the revision it
--                         began at; a page asked for twice, or by two clients at one revision, is one. Before k next
--                         pages stand k full ones, the first among them, so there are more than k * limit objects, and
--                         at most (k + 1) * limit if the chain went to its end. Whether it did can't be seen; that
--                         several chains ended on the same page speaks for it (equal_chain_count)
--         A server that reads LISTs from etcd says so, from 1.30 on: whole LISTs, most recent and over 0.5 s, then come
--         with the time it took to decode (decoded_list_count of slow_full_list_count).
--         Objects and pages are grouped, not counted as distinct: groups can go to disk, sets can't. Objects and pages
--         are told by their keys, which are numbers, for speed.
with seen as (
    select
        object_key,
        api_group,
        resource,
        verb,
        user_name,
        caller_key,
        user_key,
        list_kind,
        response_bytes,
        latency_total_secs,
        latency_decode_secs,
        verb in ('get', 'create', 'update', 'patch', 'delete')
            and name is not null
            and subresource is distinct from 'proxy' as is_named,
        verb in ('get', 'create', 'update', 'patch') and coalesce(subresource, 'status') = 'status' as is_object,
        scope = 'cluster' and label_selector is null and field_selector is null as is_collection,
        case
            when
                list_kind = 'next_page'
                and continue_revision > 0
                and "limit" > 0
                and scope = 'cluster'
                and label_selector is null
                and field_selector is null
                then page_key
        end as page_key,
        "limit",
        continue_revision
    from requests
    where resource is not null and code >= 200 and code < 300 and verb <> 'watch'
),
things as (
    select
        object_key,
        page_key,
        any_value(api_group) as api_group,
        any_value(resource) as resource,
        max(case when page_key is not null then caller_key end) as chain_caller_key,
        max(case when page_key is not null then "limit" end) as chain_limit,
        max(case when page_key is not null then continue_revision end) as chain_revision,
        max(case when starts_with(user_name, 'system:node:') then user_key end) as kubelet_key,
        bool_or(is_named) as is_named,
        count(*) filter (where verb = 'delete' and is_named) as delete_count,
        max(response_bytes) filter (where is_object and is_named) as object_bytes,
        max(response_bytes)
            filter (where is_collection and list_kind in ('full', 'cached', 'reflector', 'relist'))
            as collection_bytes,
        count(*) filter (where list_kind = 'full' and latency_total_secs is not null) as slow_full_list_count,
        count(*) filter (where list_kind = 'full' and latency_decode_secs is not null) as decoded_list_count
    from seen
    group by object_key, page_key
),
chains as (
    select
        api_group,
        resource,
        chain_limit,
        count(page_key) as page_count,
        count(*) filter (where is_named) as name_count,
        count(*) filter (where delete_count > 0) as deleted_name_count,
        count(distinct kubelet_key) as kubelet_count,
        count(object_bytes) as sized_object_count,
        cast(percentile_cont(0.5) within group (order by object_bytes) as bigint) as median_object_bytes,
        cast(avg(object_bytes) as bigint) as mean_object_bytes,
        max(object_bytes) as max_object_bytes,
        max(collection_bytes) as max_collection_bytes,
        sum(slow_full_list_count) as slow_full_list_count,
        sum(decoded_list_count) as decoded_list_count
    from things
    group by api_group, resource, chain_caller_key, chain_limit, chain_revision
),
compared as (
    select
        *,
        page_count * chain_limit = max(page_count * chain_limit) over (partition by api_group, resource) as is_longest
    from chains
)
select
    api_group,
    resource,
    sum(name_count) as name_count,
    sum(deleted_name_count) as deleted_name_count,
    max(kubelet_count) as kubelet_count,
    sum(sized_object_count) as sized_object_count,
    max(median_object_bytes) as median_object_bytes,
    max(mean_object_bytes) as mean_object_bytes,
    max(max_object_bytes) as max_object_bytes,
    max(max_collection_bytes) as max_collection_bytes,
    count(*) filter (where page_count > 0) as chain_count,
    max(page_count) filter (where is_longest) as longest_chain_page_count,
    min(chain_limit) filter (where is_longest) as longest_chain_limit,
    count(*) filter (where is_longest) as equal_chain_count,
    sum(slow_full_list_count) as slow_full_list_count,
    sum(decoded_list_count) as decoded_list_count
from compared
group by api_group, resource
having
    greatest(sum(name_count), sum(sized_object_count), max(page_count), sum(slow_full_list_count)) > 0
    or max(max_collection_bytes) is not null
order by api_group, resource;
