-- The one look-up of an inbound call, for Kamailio and for routing.py. One row or none.
--   :address  user@domain      :digits  E.164 without +      :offered  none|rtp|srtp|other
select n.number_id, n.number, n.tenant,
       coalesce(t.id, '') as trunk, coalesce(t.open, -1) as open, coalesce(t.allowed, '') as allowed,
       coalesce(t.media_in, '') as media_in,
       coalesce(m.code, 0) as code, coalesce(m.reason, '') as reason, coalesce(m.flags, '') as flags,
       coalesce(n.agent_in, '') as agent, coalesce(a.version, '') as version,
       coalesce(replace(a.uri, '{number}', n.user), '') as target
from number n
left join trunk t on t.id = n.trunk
left join media_rule m on m.direction = 'in' and m.policy = t.media_in and m.offered = :offered
left join agent a on a.id = n.agent_in
where n.key in (:address, :digits)
order by n.key = :digits
limit 1
