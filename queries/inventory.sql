-- inventory: every client with its identity, how it was determined, and which other clients have the same identity.
-- grain:  user_name, user_agent
-- reads:  identities, clients, impersonations
-- for:    reports
-- why:    One client may have several identities, and one identity several clients: those can be told apart here, by
--         their user agents, but not by API Priority and Fairness, which sees users only. is_mismatch says that the user
--         agent claims what the identity contradicts. Instances are distinct pods, nodes or addresses.
--         acts_for names the impersonated users with most requests: API Priority and Fairness sees those.
with ranked as (
    select
        caller_key,
        impersonated_user_name,
        row_number() over (partition by caller_key order by request_count desc, impersonated_user_name) as user_rank
    from impersonations
),
acting as (
    select
        caller_key,
        count(*) as impersonated_user_count,
        array_to_string(
            array_agg(arrow_cast(impersonated_user_name, 'Utf8') order by user_rank) filter (where user_rank <= 5), ', '
        ) as acts_for
    from ranked
    group by caller_key
),
known as (
    select
        client_type,
        client,
        confidence,
        is_mismatch,
        claimed_client,
        evidence,
        rule,
        identities.*,
        first_value(client) over by_user as first_client,
        last_value(client) over by_user as last_client,
        array_agg(client) over by_user as clients_of_user
    from identities
    inner join clients
        on (clients.user_name is not distinct from identities.user_name)
        and (clients.user_agent is not distinct from identities.user_agent)
    window by_user as (
        partition by identities.user_name order by client rows between unbounded preceding and unbounded following
    )
)
select
    client_type,
    client,
    user_name,
    acts_for,
    coalesce(impersonated_user_count, 0) as impersonated_user_count,
    user_agent,
    instance_count,
    request_count,
    list_count,
    watch_count,
    write_count,
    confidence,
    is_mismatch,
    claimed_client,
    case
        when user_name is not null and first_client <> last_client then
            array_to_string(array_remove(array_distinct(clients_of_user), client), ', ')
    end as shares_user_with,
    evidence,
    rule,
    full_list_count,
    rejected_count,
    first_received_at,
    last_received_at
from known
left join acting on acting.caller_key = known.caller_key
order by request_count desc, client_type, client, user_name, user_agent;
