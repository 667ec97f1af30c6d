-- resource_sizes: how many objects each resource has and how large they are, and what the estimate is based on.
-- grain:  api_group, resource
-- reads:  resources
-- for:    reports
-- why:    No audit log says so; what is known comes, in order of trust, from what is given by hand, the server's metrics
--         (of LISTs it sent, then of objects), logged bodies, pages of long lists, counting names, and how quickly the
--         collection was listed. Where nothing tells how many objects there are, the columns are null: a usual number does
--         not exist. Resources that are only listed have a row if that was quick. Bytes are of JSON, as most clients
--         receive it.
select
    api_group,
    resource,
    object_count_low,
    object_count_high,
    object_low_bytes,
    object_high_bytes,
    collection_low_bytes,
    collection_high_bytes,
    count_basis,
    bytes_basis
from resources
order by collection_high_bytes desc nulls last, collection_low_bytes desc nulls last, api_group, resource;
