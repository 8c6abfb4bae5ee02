-- The digest credentials that a trunk's carrier calls with. :trunk
select login, ha1 from trunk where id = :trunk and login <> ''
