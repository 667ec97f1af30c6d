-- episode_instances: which instances took part in each episode, and with how many reads.
-- grain:  pattern, episode, user_name, user_agent, instance
-- reads:  episode_reads, collection_reads
-- for:    other queries
-- kept:   episodes reads it more than once.
-- why:    An instance is a pod or node that the credentials are bound to, else an address; two users from one address are
--         two.
select
    pattern,
    episode,
    user_name,
    user_agent,
    coalesce(instance, '(unknown)') as instance,
    count(*) as read_count
from episode_reads
inner join collection_reads on collection_reads.request_key = episode_reads.read_id
group by pattern, episode, user_name, user_agent, coalesce(instance, '(unknown)')
order by pattern, episode, read_count desc, user_name, user_agent, instance;
