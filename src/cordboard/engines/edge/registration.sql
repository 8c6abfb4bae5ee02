-- One registration, with a row for each place where its registrar is; `uri` is '' if that is not known. :key
select g.trunk, g.host, g.verify, g.address, g.registrar, g.username, g.password, g.expires, coalesce(r.uri, g.uri) as uri
from registration g
left join resolved r on r.name = g.name and g.name <> ''
where g.key = :key
order by r.rank
limit 16
