-- The one look-up of an inbound call, for Kamailio and for routing.py. No row, or one for each place to send to and one at
-- least; `uri` is '' in a place that has no address yet, and then the last two say nothing. A number that an account takes
-- has no place: `target` is the account's username then, and where that is, the registrar knows. As plain as it can be:
-- Kamailio prepares it anew for each call.
--   :address  user@domain      :digits  E.164 without +
select n.number_id, n.number, n.tenant,
       coalesce(t.id, '') as trunk, coalesce(t.open, -1) as open, coalesce(t.allowed, '') as allowed,
       coalesce(t.media_in, '') as caller_media,
       case when n.account is null then coalesce(a.media, 'disable') else 'allow' end as callee_media,
       coalesce(a.flags, '') as flags,
       case when n.account is null then coalesce(n.agent_in, '') else '' end as agent, coalesce(a.version, '') as version,
       coalesce(c.username, replace(a.uri, '{number}', n.user), '') as target, coalesce(a.headers, '') as headers,
       coalesce(n.account, '') as account,
       coalesce(t.ruled, -(n.trunk = '')) as ruled,
       coalesce(r.uri, h.uri, '') as uri, h.host, h.verify
from number n
left join trunk t on t.id = n.trunk
left join account c on c.id = n.account
left join agent a on a.id = n.agent_in and n.account is null
left join hop h on h.owner = a.id
left join resolved r on r.name = h.name
where n.key = coalesce((select key from number where key = :address), :digits)
order by h.position, r.rank
