-- list_shapes: the kinds of LISTs in the log, and what it shows of how they were served.
-- grain:  shape
-- reads:  collection_reads
-- for:    reports
-- why:    What a list costs is decided by its shape: the resource, the kind, the scope, the kinds of selectors, the page
--         size. A deletecollection costs what a full list does, as it reads and returns the same. The server notes the time it took to decode what etcd returned only where it read etcd, and only for
--         requests over half a second: decoded_count of slow_count tells which path a shape takes on this server.
select
    shape,
    any_value(api_group) as api_group,
    any_value(resource) as resource,
    coalesce(any_value(list_kind), arrow_cast('full', 'Utf8View')) as list_kind,
    any_value(scope) as scope,
    max("limit") as "limit",
    bool_or(is_node_scoped) as is_node_scoped,
    bool_or(has_selector) as has_selector,
    bool_or(is_pretty) as is_pretty,
    count(*) as request_count,
    count(latency_total_secs) as slow_count,
    count(latency_decode_secs) as decoded_count,
    count(*) filter (where list_kind = 'watch_list' and code = 422) as forbidden_watch_list_count
from collection_reads
where shape is not null
group by shape
order by shape;
