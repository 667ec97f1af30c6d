-- webhook_failures: writes that look as if an admission webhook failed, was slow or denied them, by verb and resource.
-- grain:  verb, api_group, resource, subresource
-- reads:  requests
-- why:    That a webhook failed closed is a line of the server's own log. Here it is a 500 whose message names the
--         webhook; the message is no column, but the place of the last error in the log is. To read:
--         internal_error_count   500s with the reason InternalError: what a write gets when a webhook that must not
--                                fail can't be called or runs into its timeout; other faults of the server give it too
--         webhook_error_count    those of them with time in a webhook: it ran into its timeout, or was slow to fail
--         quick_error_count      those of them within 0.5 s, where no times are logged: refused at once
--         gateway_timeout_count  504s: the request's time ran out, perhaps in a webhook
--         denied_count           403s after authorization said yes: a webhook, a quota or a policy said no. A webhook
--                                may deny with any other code as well
--         Times in webhooks are logged only for requests over 0.5 s, and those in validating webhooks, which are
--         called at once, are that of the slowest; max_webhook_secs is both kinds together. A webhook that failed
--         open shows here only as time lost. Panics are left out, and rows without any sign.
with written as (
    select
        verb,
        api_group,
        resource,
        subresource,
        received_at,
        code,
        duration_secs,
        source_file,
        source_line,
        latency_mutating_webhook_secs,
        latency_validating_webhook_secs,
        coalesce(latency_mutating_webhook_secs, latency_validating_webhook_secs) is not null as is_webhook_logged,
        coalesce(code = 500 and reason = 'InternalError', false) as is_internal_error,
        coalesce(code = 500 and reason = 'InternalError' or code = 504, false) as is_error,
        coalesce(code = 403 and authorization_decision = 'allow', false) as is_denied,
        cast(
            round(
                1e6 * coalesce(latency_mutating_webhook_secs, 0.0)
                + 1e6 * coalesce(latency_validating_webhook_secs, 0.0)
            ) as bigint
        ) as webhook_micros
    from requests
    where verb in ('create', 'update', 'patch', 'delete', 'deletecollection')
        and outcome = 'complete'
),
counted as (
    select
        verb,
        api_group,
        resource,
        subresource,
        count(*) as write_count,
        count(*) filter (where is_internal_error) as internal_error_count,
        count(*) filter (where is_internal_error and is_webhook_logged) as webhook_error_count,
        count(*) filter (where is_internal_error and duration_secs <= 0.5) as quick_error_count,
        count(*) filter (where code = 504) as gateway_timeout_count,
        count(*) filter (where is_denied) as denied_count,
        count(*) filter (where is_webhook_logged) as webhook_count,
        sum(webhook_micros) filter (where is_webhook_logged) / 1e6 as total_webhook_secs,
        max(webhook_micros) filter (where is_webhook_logged) / 1e6 as max_webhook_secs,
        max(latency_mutating_webhook_secs) as max_mutating_webhook_secs,
        max(latency_validating_webhook_secs) as max_validating_webhook_secs,
        max(received_at) filter (where is_error) as last_error_received_at,
        last_value(source_file order by received_at, source_file, source_line) filter (where is_error) as source_file,
        last_value(source_line order by received_at, source_file, source_line) filter (where is_error) as source_line
    from written
    group by verb, api_group, resource, subresource
)
select
    verb,
    api_group,
    resource,
    subresource,
    write_count,
    internal_error_count,
    webhook_error_count,
    quick_error_count,
    gateway_timeout_count,
    denied_count,
    webhook_count,
    total_webhook_secs,
    max_webhook_secs,
    max_mutating_webhook_secs,
    max_validating_webhook_secs,
    last_error_received_at,
    source_file,
    source_line
from counted
where internal_error_count + gateway_timeout_count + denied_count + webhook_count > 0
order by
    internal_error_count + gateway_timeout_count desc,
    total_webhook_secs desc nulls last,
    denied_count desc,
    verb,
    api_group,
    resource,
    subresource;
