-- :class, :last
delete from event where class = cast(:class as integer) and id <= cast(:last as integer)
