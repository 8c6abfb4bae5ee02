-- Whether there is more of that. :ingested
select count(*) from (select 1 from event where id <= cast(:ingested as integer) limit 1)
