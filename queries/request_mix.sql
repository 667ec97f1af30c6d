-- request_mix: the share of each kind of request, for comparison with other clusters.
-- grain:  api_group, api_version, resource, subresource, user_agent, verb, code
-- reads:  requests
-- why:    Two logs differ in length and size, so compare request_share, not the count. Users are left out, as their
--         names differ from cluster to cluster; user agents hold versions, so the same program may be two rows. What
--         an audit policy drops is in no share: compare logs of like policies (see coverage). A null resource is a
--         non-resource request, a null code one without a response in the log.
with counted as (
    select
        api_group,
        api_version,
        resource,
        subresource,
        user_agent,
        verb,
        code,
        count(*) as request_count
    from requests
    group by api_group, api_version, resource, subresource, user_agent, verb, code
)
select
    api_group,
    api_version,
    resource,
    subresource,
    user_agent,
    verb,
    code,
    request_count,
    1.0 * request_count / sum(request_count) over () as request_share
from counted
order by request_count desc, api_group, api_version, resource, subresource, user_agent, verb, code;
