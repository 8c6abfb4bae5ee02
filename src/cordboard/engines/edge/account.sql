-- Whose digest credentials these are, and where that account is heard from. A row in any case, so that one who is not there
-- takes as long. :login
select coalesce(a.ha1, ''), coalesce(a.restricted, 0), coalesce(a.allowed, ''), a.id is not null
from (select 1) left join account a on a.username = :login
