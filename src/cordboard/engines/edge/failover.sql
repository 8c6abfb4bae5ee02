-- The responses after which a trunk has the next gateway tried, besides 408 and 5xx. :owner
select failover from trunk where id = :owner and failover <> ''
