-- The registrations of one slot. :slot
select key, changed from registration where slot = cast(:slot as integer)
