-- The numbers that a carrier may mean by what it wrote, and whom their trunks let in: by another header than the request
-- URI, where the trunk says so, or in the national form of a country that some trunk writes in. From one country to the next
-- through the index, as in probed.sql.
--   :address  user@domain      :digits  E.164 without +      :local  the same as it may be within a country, or ''
--   :header  ruri, to or p-called-party-id
select n.key, n.trunk, t.open, t.allowed
from number n
join trunk t on t.id = n.trunk
where n.key = coalesce((select key from number where key = :address), :digits) and t.called_from = :header
union all
select key, trunk, open, allowed from (
    with recursive country(code) as (
        select min(country_code) from trunk where number_format = 'national'
        union all
        select (
            select min(t.country_code) from trunk t
            where t.number_format = 'national' and t.country_code > country.code
        )
        from country where country.code is not null
    )
    select n.key, n.trunk, t.open, t.allowed
    from country c
    join number n on n.key in (c.code || :local, c.code || case when substr(:local, 1, 1) = '0' then substr(:local, 2) end)
    join trunk t on t.id = n.trunk and t.number_format = 'national' and t.country_code = c.code
    where (:header = 'ruri' or t.called_from = :header) and :local <> ''
)
order by 1
limit 16
