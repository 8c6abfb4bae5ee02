-- The one look-up of an outbound call by the number that it shows. Rows as in decide.sql; without gateways the last two
-- columns are null. With `verify` goes what the gateway shares with others, for hops.cfg.
--   :address  user@domain      :digits  E.164 without +
select n.number_id, n.number, n.tenant,
       coalesce(t.id, '') as trunk, coalesce(n.agent_out, '') as agent, coalesce(a.version, '') as version,
       coalesce(a.sources, '') as sources, coalesce(a.login, '') as login,
       coalesce(a.media, '') as caller_media, coalesce(t.media_out, '') as callee_media,
       coalesce(t.ruled, -(n.trunk = '')) as ruled,
       coalesce(r.uri, h.uri, '') as uri, h.host, h.verify || h.sharing as verify
from number n
left join trunk t on t.id = n.trunk
left join agent a on a.id = n.agent_out
left join hop h on h.owner = t.id
left join resolved r on r.name = h.name
where n.key = coalesce((select key from number where key = :address), :digits)
order by h.position, r.rank
