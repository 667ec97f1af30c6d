-- sensitive_requests: requests that a security review asks for, by kind and user.
-- grain:  sensitive_kind, user_name
-- reads:  requests
-- why:    The first kind that fits, from top to bottom:
--         unauthorized           401s: nobody, as authentication failed; so user_name is null
--         anonymous_refused      system:anonymous, with a 403
--         anonymous_answered     system:anonymous, answered, at anything but health, version and the like
--         aws_auth_write         the ConfigMap aws-auth of kube-system, which maps cloud identities to users
--         webhook_config_write   admission webhooks and policies: they see, and may change, what is written
--         rbac_write             roles and bindings
--         secret_write           secrets
--         secret_read            secrets read by name, listed or watched
--         pod_stream             exec, attach and portforward into pods
--         Most of it is daily work: kubelets read the secrets of their pods, controllers list them all. A sudden user
--         or peak is what to look for: peak_minute_count is of the busiest minute. refused_count counts 401s and 403s:
--         attempts. RBAC refuses by 403 even what can't be seen; and a server that just started refuses for some
--         seconds what it will allow later. The last one is named by its place in the log.
with marked as (
    select
        received_at,
        user_name,
        impersonated_user_name,
        user_agent,
        source_ip,
        namespace,
        code,
        audit_id,
        source_file,
        source_line,
        cast(received_at as bigint) / 60000000 as received_minute,
        case
            when code = 401 then 'unauthorized'
            when user_name = 'system:anonymous' and code = 403 then 'anonymous_refused'
            when user_name = 'system:anonymous'
                and code < 400
                and (
                    is_resource_request
                    or split_part(split_part(request_uri, '?', 1), '/', 2)
                    not in ('healthz', 'livez', 'readyz', 'version')
                )
                then 'anonymous_answered'
            when verb in ('create', 'update', 'patch', 'delete', 'deletecollection') then
                case
                    when api_group = '' and resource = 'configmaps' and namespace = 'kube-system'
                        and (name = 'aws-auth' or verb = 'deletecollection')
                        then 'aws_auth_write'
                    when api_group = 'admissionregistration.k8s.io' then 'webhook_config_write'
                    when api_group = 'rbac.authorization.k8s.io' then 'rbac_write'
                    when api_group = '' and resource = 'secrets' then 'secret_write'
                    when api_group = '' and resource = 'pods' and subresource in ('attach', 'exec', 'portforward')
                        then 'pod_stream'
                end
            when api_group = '' and resource = 'secrets' and verb in ('get', 'list', 'watch') then 'secret_read'
            when api_group = '' and resource = 'pods' and subresource in ('attach', 'exec', 'portforward')
                then 'pod_stream'
        end as sensitive_kind
    from requests
),
minuted as (
    select
        *,
        count(*) over (partition by sensitive_kind, user_name, received_minute) as minute_count
    from marked
    where sensitive_kind is not null
)
select
    sensitive_kind,
    user_name,
    count(*) as request_count,
    count(*) filter (where code in (401, 403)) as refused_count,
    count(impersonated_user_name) as impersonated_count,
    count(distinct user_agent) as user_agent_count,
    count(distinct source_ip) as source_ip_count,
    count(distinct namespace) as namespace_count,
    max(minute_count) as peak_minute_count,
    min(received_at) as first_received_at,
    max(received_at) as last_received_at,
    last_value(audit_id order by received_at, source_file, source_line) as audit_id,
    last_value(source_file order by received_at, source_file, source_line) as source_file,
    last_value(source_line order by received_at, source_file, source_line) as source_line
from minuted
group by sensitive_kind, user_name
order by sensitive_kind, request_count desc, user_name;
