-- codes_by_client: which response codes each client got, and how often.
-- grain:  user_name, user_agent, code, reason
-- reads:  requests
-- why:    A null code is a request without a response in the log (open), counted as such rather than dropped.
--         The reason is there only when the body was a Status: an APF 429 has none (see rejected). A watch is 200
--         however it ended (see watches), and a request over 60 s was a 504 to its client whatever stands here.
--         Users that failed authentication are null: all 401s of one user agent fall together.
with answered as (
    select
        user_name,
        user_agent,
        code,
        reason,
        received_at
    from requests
),
counted as (
    select
        user_name,
        user_agent,
        code,
        reason,
        count(*) as request_count,
        min(received_at) as first_received_at,
        max(received_at) as last_received_at
    from answered
    group by user_name, user_agent, code, reason
)
select
    user_name,
    user_agent,
    code,
    reason,
    request_count,
    1.0 * request_count / sum(request_count) over (partition by user_name, user_agent) as client_share,
    first_received_at,
    last_received_at
from counted
order by request_count desc, user_name, user_agent, code, reason;
