-- The one look-up of an inbound call, for Kamailio and for routing.py. One row or none.
--   :address  user@domain      :digits  E.164 without +      :offered  none|rtp|srtp|other
select n.number_id, n.number, n.tenant,
       coalesce(t.id, '') as trunk, coalesce(t.open, -1) as open, coalesce(t.allowed, '') as allowed,
       coalesce(t.media_in, '') as caller_media, coalesce(a.media, 'disable') as callee_media,
       coalesce(m.code, 0) as code, coalesce(m.reason, '') as reason,
       coalesce(m.flags, '') || coalesce(a.flags, '') as flags,
       coalesce(n.agent_in, '') as agent, coalesce(a.version, '') as version,
       coalesce(replace(a.uri, '{number}', n.user), '') as target,
       coalesce((
           select group_concat(uri || '>' || host || '>' || verify, '|')
           from (
               select coalesce(r.uri, h.uri) as uri, h.host, h.verify
               from hop h left join resolved r on r.name = h.name and h.name <> ''
               where h.owner = a.id and coalesce(r.uri, h.uri) <> ''
               order by h.position, r.rank
               limit 16
           )
       ), '') as hops,
       coalesce(a.headers, '') as headers
from number n
left join trunk t on t.id = n.trunk
left join agent a on a.id = n.agent_in
left join media_rule m on m.caller = t.media_in and m.offered = :offered and m.callee = coalesce(a.media, 'disable')
where n.key in (:address, :digits)
order by n.key = :digits
limit 1
