-- watches: every watch: how long it took to set up, how long it lived, how long it asked to live, and how it ended.
-- grain:  apiserver, audit_id, received_at
-- reads:  requests
-- params: $slack_secs secs = 1, how far from its timeout a watch may end and still be on_time
--         $at_once_secs secs = 1, a life shorter than this ended at_once
-- why:    A watch that began completes with code 200 whether it timed out, was cut, or was told in its stream that
--         its resourceVersion is too old. Only its life against the timeout it asked for tells them apart:
--         on_time    within the slack of timeoutSeconds (the slack is at most half of it): it ran its course
--         late       longer than asked: a slow end, or a clock that jumped
--         at_once    too short to be a watch: what a resourceVersion that is too old looks like
--         early      cut before its time, by the client, the server or something between: the log can't say by whom
--         no_timeout it asked for none, so the server chose one that the log doesn't name (30 to 60 min by default)
--         refused    never began: an error code
--         open       no end in the log
--         panic      the handler panicked
--         Life runs from ResponseStarted, the moment from which the server counts too; where the policy omits that
--         stage, from the receipt, and the setup time is in it. A watch refused or still open has no life here.
with watched as (
    select
        received_at,
        started_at,
        completed_at,
        apiserver,
        audit_id,
        user_name,
        user_agent,
        source_ip,
        pod_name,
        node_name,
        api_group,
        resource,
        namespace,
        name,
        scope,
        list_kind,
        resource_version,
        label_selector,
        field_selector,
        outcome,
        code,
        reason,
        source_file,
        source_line,
        nullif(timeout_secs, 0) as timeout_secs,
        coalesce(code >= 400, false) and outcome <> 'panic' as is_refused
    from requests
    where verb = 'watch'
),
timed as (
    select
        *,
        (cast(started_at as bigint) - cast(received_at as bigint)) / 1e6 as setup_secs,
        case
            when not is_refused then
                (cast(completed_at as bigint) - cast(coalesce(started_at, received_at) as bigint)) / 1e6
        end as lifetime_secs
    from watched
)
select
    received_at,
    started_at,
    completed_at,
    setup_secs,
    lifetime_secs,
    timeout_secs,
    case
        when is_refused then 'refused'
        when outcome <> 'complete' then outcome
        when abs(lifetime_secs - timeout_secs) <= least($slack_secs, timeout_secs / 2.0) then 'on_time'
        when lifetime_secs > timeout_secs then 'late'
        when lifetime_secs < $at_once_secs then 'at_once'
        when timeout_secs is null then 'no_timeout'
        else 'early'
    end as ended,
    apiserver,
    audit_id,
    user_name,
    user_agent,
    source_ip,
    pod_name,
    node_name,
    api_group,
    resource,
    namespace,
    name,
    scope,
    list_kind,
    resource_version,
    label_selector,
    field_selector,
    code,
    reason,
    source_file,
    source_line
from timed
order by received_at, apiserver, audit_id, source_file, source_line;
