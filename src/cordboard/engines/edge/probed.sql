-- The gateways of one slot, each once however many trunks share it, and the host by which each is known. :slot
-- From one to the next through the index: hops that are alike are stepped over. (Kamailio takes results of a statement
-- that begins with `select` alone.)
select uri, host from (
    with recursive there(probe) as (
        select min(probe) from hop where slot = cast(:slot as integer) and probe <> ''
        union all
        select (
            select min(h.probe) from hop h
            where h.slot = cast(:slot as integer) and h.probe <> '' and h.probe > there.probe
        )
        from there where there.probe is not null
    )
    select coalesce(r.uri, there.probe) as uri, min(coalesce(substr(r.name, 1, instr(r.name, ';') - 1), '')) as host
    from there left join resolved r on r.name = there.probe
    where there.probe is not null and instr(coalesce(r.uri, there.probe), ';transport=') > 0
    group by 1
)
