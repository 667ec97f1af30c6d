-- latency_by_scope: latency of reads by scope, and of writes, against the service level objectives of Kubernetes.
-- grain:  is_write, scope
-- reads:  requests
-- why:    Objectives: 1 s for reads of one object and for all writes, 5 s for reads of a namespace, 30 s for reads of
--         the cluster, each for 99 % of requests (so compare p99 with the objective, or within_share with 0.99).
--         Left out: watches, long-running subresources, non-resource requests, whatever hasn't completed (a LIST open
--         when the server died is not here), and what was turned away before a handler ran (401, forbidden, APF's
--         429), as a fast refusal would flatter the share: turned_away_count says how many.
--         Upstream's own SLI leaves out the wait for a seat and the webhooks' time; sli_within_share does likewise,
--         as far as the log tells (only requests over 0.5 s carry these parts, and only they can miss an objective).
--         A create counts as of scope object, as upstream has it; a deletecollection is a write of a whole
--         collection. The percentiles are exact: 16 bytes per request.
with finished as (
    select
        verb in ('create', 'update', 'patch', 'delete', 'deletecollection') as is_write,
        scope,
        duration_secs,
        duration_secs
            - coalesce(latency_apf_queue_wait_secs, 0.0)
            - coalesce(latency_mutating_webhook_secs, 0.0)
            - coalesce(latency_validating_webhook_secs, 0.0) as sli_secs,
        coalesce(code = 401, false)
            or coalesce(authorization_decision = 'forbid', false)
            or coalesce(code = 429 and reason is null, false) as is_turned_away
    from requests
    where outcome = 'complete'
        and scope is not null
        and verb in ('get', 'list', 'create', 'update', 'patch', 'delete', 'deletecollection')
        and coalesce(subresource not in ('attach', 'exec', 'log', 'portforward', 'proxy'), true)
),
judged as (
    select
        is_write,
        scope,
        duration_secs,
        sli_secs,
        is_turned_away,
        case
            when is_write or scope = 'object' then 1.0
            when scope = 'namespace' then 5.0
            else 30.0
        end as objective_secs
    from finished
),
counted as (
    select
        is_write,
        scope,
        objective_secs,
        count(*) filter (where not is_turned_away) as request_count,
        count(*) filter (where not is_turned_away and duration_secs <= objective_secs) as within_count,
        count(*) filter (where not is_turned_away and sli_secs <= objective_secs) as sli_within_count,
        count(*) filter (where is_turned_away) as turned_away_count,
        percentile_cont(0.5) within group (order by duration_secs) filter (where not is_turned_away)
            as p50_duration_secs,
        percentile_cont(0.99) within group (order by duration_secs) filter (where not is_turned_away)
            as p99_duration_secs,
        max(duration_secs) filter (where not is_turned_away) as max_duration_secs
    from judged
    group by is_write, scope, objective_secs
)
select
    is_write,
    scope,
    objective_secs,
    request_count,
    within_count,
    1.0 * within_count / nullif(request_count, 0) as within_share,
    1.0 * sli_within_count / nullif(request_count, 0) as sli_within_share,
    p50_duration_secs,
    p99_duration_secs,
    max_duration_secs,
    turned_away_count
from counted
order by is_write, objective_secs, scope;
