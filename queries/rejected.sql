-- rejected: the 429s by cause: who was rejected, at what, and by which part of the server.
-- grain:  user_name, user_agent, verb, api_group, resource, subresource, reject_kind
-- reads:  requests
-- params: $queue_limit_secs secs = 15, longest wait in an APF queue: a quarter of the server's --request-timeout
--         $no_wait_secs secs = 0.5, a wait below this is none; the server logs waits only of requests over 0.5 s
-- why:    APF rejects in plain text before authorization: no reason, no decision. Only time tells its reasons apart:
--         apf_immediate          no wait: queue-full or concurrency-limit, the log can't say which; or the limit of
--                                requests in flight, of a server without APF
--         apf_time_out           time-out: it sat in a queue until the limit, counted from its receipt
--         apf_left_queue         waited less than that: the client went away, or asked for a ?timeout= under 60 s
--         apf_unknown            lasted, but its wait isn't logged (watches never say; nor do servers before 1.31):
--                                left a queue, or was rejected at once by a stalled server
--         watch_cache_not_ready  a read with the reason TooManyRequests: "storage is (re)initializing"
--         disruption_budget      an eviction with that reason: a PodDisruptionBudget forbids it for now
--         other                  the rest: 429s of aggregated API servers and of admission
--         A logged wait decides over the duration: on a stalled server even immediate rejections take seconds.
with refused as (
    select
        user_name,
        user_agent,
        verb,
        api_group,
        resource,
        subresource,
        received_at,
        duration_secs,
        latency_apf_queue_wait_secs,
        case
            when resource = 'pods' and subresource = 'eviction' and reason = 'TooManyRequests'
                then 'disruption_budget'
            when verb in ('get', 'list', 'watch', 'deletecollection') and reason = 'TooManyRequests'
                then 'watch_cache_not_ready'
            when reason is not null or authorization_decision is not null then 'other'
            when coalesce(latency_apf_queue_wait_secs, duration_secs) < $no_wait_secs then 'apf_immediate'
            when duration_secs >= $queue_limit_secs then 'apf_time_out'
            when latency_apf_queue_wait_secs is not null then 'apf_left_queue'
            else 'apf_unknown'
        end as reject_kind,
        cast(completed_at as bigint) - cast(received_at as bigint) as duration_micros
    from requests
    where code = 429
)
select
    user_name,
    user_agent,
    verb,
    api_group,
    resource,
    subresource,
    reject_kind,
    count(*) as rejected_count,
    min(received_at) as first_received_at,
    max(received_at) as last_received_at,
    sum(duration_micros) / 1e6 / count(duration_micros) as mean_duration_secs,
    max(duration_secs) as max_duration_secs,
    max(latency_apf_queue_wait_secs) as max_apf_queue_wait_secs
from refused
group by user_name, user_agent, verb, api_group, resource, subresource, reject_kind
order by rejected_count desc, user_name, user_agent, verb, api_group, resource, subresource, reject_kind;
