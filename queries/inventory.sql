-- inventory: every client with its identity, how it was determined, and which other clients have the same identity.
-- grain:  user_name, user_agent
-- reads:  identities, clients
-- for:    reports
-- why:    One client may have several identities, and one identity several clients: those can be told apart here, by
--         their user agents, but not by API Priority and Fairness, which sees users only. is_mismatch says that the user
--         agent claims what the identity contradicts. Instances are distinct pods, nodes or addresses.
with known as (
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
order by request_count desc, client_type, client, user_name, user_agent;
