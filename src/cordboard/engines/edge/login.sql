-- Whose digest credentials these are. :login
select id, ha1 from agent where login = :login and login <> ''
