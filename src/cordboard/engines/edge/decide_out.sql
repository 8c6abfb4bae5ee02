-- The one look-up of an outbound call by the number that it shows. One row or none.
--   :address  user@domain      :digits  E.164 without +      :offered  none|rtp|srtp|other
select n.number_id, n.number, n.tenant,
       coalesce(t.id, '') as trunk, coalesce(n.agent_out, '') as agent, coalesce(a.version, '') as version,
       coalesce(a.sources, '') as sources, coalesce(a.login, '') as login,
       coalesce(a.media, '') as caller_media, coalesce(t.media_out, '') as callee_media,
       coalesce(m.code, 0) as code, coalesce(m.reason, '') as reason, coalesce(m.flags, '') as flags,
       coalesce((
           select group_concat(uri || '>' || host || '>' || verify, '|')
           from (
               select coalesce(r.uri, h.uri) as uri, h.host, h.verify
               from hop h left join resolved r on r.name = h.name and h.name <> ''
               where h.owner = t.id and coalesce(r.uri, h.uri) <> ''
               order by h.position, r.rank
               limit 16
           )
       ), '') as hops,
       exists (select 1 from hop h where h.owner = t.id) as gateways
from number n
left join trunk t on t.id = n.trunk
left join agent a on a.id = n.agent_out
left join media_rule m on m.caller = a.media and m.offered = :offered and m.callee = t.media_out
where n.key in (:address, :digits)
order by n.key = :digits
limit 1
