-- What answers a challenge of a trunk's carrier or of an agent's platform. :owner
select username, password from trunk where id = :owner
union all select username, password from agent where id = :owner
