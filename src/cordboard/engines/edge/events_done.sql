-- A bite of what it has taken. :ingested
delete from event
where id in (select id from event where id <= cast(:ingested as integer) order by id limit 100)
