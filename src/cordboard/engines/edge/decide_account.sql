-- The one look-up of a call by an account. Rows as in decide_out.sql; `callee` is the username of the account of the same
-- tenant that has the called extension, and then there is no place. Name and extension are what that one sees.
--   :name  username of the caller      :called  what it dials
select a.id as account, a.tenant, a.restricted, a.allowed, a.allow_external,
       replace(replace(replace(replace(a.name, char(34), ''), char(92), ''), char(13), ''), char(10), '') as display,
       a.internal as extension, coalesce(c.username, '') as callee,
       coalesce(n.number_id, '') as number_id, coalesce(n.number, '') as number, coalesce(t.id, '') as trunk,
       'allow' as caller_media,
       case when c.id is null then coalesce(t.media_out, '') else 'allow' end as callee_media,
       coalesce(t.ruled, -(n.trunk = ''), 0) as ruled,
       coalesce(r.uri, h.uri, '') as uri, h.host, h.verify || h.sharing as verify
from account a
left join account c on c.tenant = a.tenant and c.internal = :called and c.internal <> ''
left join number n on n.key = a.external and n.tenant = a.tenant and c.id is null
left join trunk t on t.id = n.trunk
left join hop h on h.owner = t.id
left join resolved r on r.name = h.name
where a.username = :name
order by h.position, r.rank
