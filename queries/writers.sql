-- writers: who writes, what and how much, busiest first.
-- grain:  user_name
-- reads:  requests
-- why:    Not every write changes an object: reviews (may I? who is this token?) only answer, dry runs store nothing,
--         and exec, attach, portforward and proxy open a stream. They are in write_count, by their verb, and counted
--         apart; so are leases and events, which every cluster writes all the time. 401s are left out: they have no
--         user. An impersonated write stands under the user that sent it: see impersonated_count. How many objects a
--         deletecollection deleted, the log doesn't say.
with written as (
    select
        user_name,
        impersonated_user_name,
        user_agent,
        verb,
        concat_ws('/', api_group, resource) as group_resource,
        namespace,
        received_at,
        code,
        resource = 'leases' as is_lease,
        resource = 'events' as is_event,
        api_group in ('authentication.k8s.io', 'authorization.k8s.io') as is_review,
        coalesce(subresource in ('attach', 'exec', 'portforward', 'proxy'), false) as is_stream,
        request_uri like '%dryRun=All%' as is_dry_run
    from requests
    where verb in ('create', 'update', 'patch', 'delete', 'deletecollection')
        and code is distinct from 401
)
select
    user_name,
    count(*) as write_count,
    count(*) filter (where verb = 'create') as create_count,
    count(*) filter (where verb = 'update') as update_count,
    count(*) filter (where verb = 'patch') as patch_count,
    count(*) filter (where verb = 'delete') as delete_count,
    count(*) filter (where verb = 'deletecollection') as deletecollection_count,
    count(*) filter (where code >= 400) as failed_count,
    count(*) filter (where is_lease) as lease_count,
    count(*) filter (where is_event) as event_count,
    count(*) filter (where is_review) as review_count,
    count(*) filter (where is_stream) as stream_count,
    count(*) filter (where is_dry_run) as dry_run_count,
    count(impersonated_user_name) as impersonated_count,
    count(distinct user_agent) as user_agent_count,
    count(distinct group_resource) as resource_count,
    count(distinct namespace) as namespace_count,
    min(received_at) as first_received_at,
    max(received_at) as last_received_at
from written
group by user_name
order by write_count desc, user_name;
