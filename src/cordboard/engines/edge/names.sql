-- The names and addresses for which a certificate stands, in lower case and with commas between, an IPv6 address in all
-- its eight groups. They are those of its subjectAltName extension, dNSName and iPAddress (RFC 5280 section 4.2.1.6), or
-- its common name if it has no such extension (RFC 5922 section 7.1).
--   :certificate  X.509, DER      :common_name  of its subject
-- The extension is found by its object identifier, 2.5.29.17. Behind that stand perhaps `critical`, which is a boolean,
-- an octet string, in it a sequence, in it the names: each a tag, a length of one to three bytes, and so many bytes.
select group_concat(name, ',') from (
    with recursive
    whole(bytes, behind) as (
        select bytes, nullif(instr(bytes, x'0603551d11'), 0) + 5 from (select cast(:certificate as blob) as bytes)
    ),
    octet(at, value) as (
        select behind - 1, 0 from whole where behind > 0
        union all
        select at + 1,
            16 * instr('123456789ABCDEF', substr(hex(substr(bytes, at + 1, 1)), 1, 1))
            + instr('123456789ABCDEF', substr(hex(substr(bytes, at + 1, 1)), 2, 1))
        from octet, whole where at < length(bytes)
    ),
    element(at, tag, start, length) as (
        select t.at, t.value,
            t.at + case l.value when 129 then 3 when 130 then 4 else 2 end,
            case l.value when 129 then m.value when 130 then 256 * m.value + n.value else l.value end
        from octet t
        join octet l on l.at = t.at + 1 and l.value <= 130 and l.value <> 128
        join octet m on m.at = t.at + 2
        join octet n on n.at = t.at + 3
    ),
    envelope(at, tag, start, length) as (
        select e.* from element e, whole where e.at = behind
        union all
        select e.* from envelope o join element e
            on (o.tag = 1 and e.at = o.start + o.length) or (o.tag = 4 and e.at = o.start)
    ),
    entry(at, tag, start, length, ending) as (
        select start, 0, start, 0, start + length from envelope where tag = 48
        union all
        select e.at, e.tag, e.start, e.length, i.ending
        from entry i join element e on e.at = i.start + i.length
        where e.start + e.length <= i.ending
    )
    select lower(cast(substr(bytes, start, length) as text)) as name from entry, whole where tag = 130
    union all
    select (
        select group_concat(value, '.') from (select value from octet o where o.at - start between 0 and 3 order by o.at)
    )
    from entry where tag = 135 and length = 4
    union all
    select (
        select group_concat(printf('%x', value), ':') from (
            select 256 * o.value + n.value as value from octet o join octet n on n.at = o.at + 1
            where o.at - start between 0 and 15 and (o.at - start) % 2 = 0
            order by o.at
        )
    )
    from entry where tag = 135 and length = 16
    union all
    select lower(:common_name) where not exists (select 1 from whole where behind > 0)
)
where name not glob '*[^a-z0-9.*_:-]*' and name <> ''
