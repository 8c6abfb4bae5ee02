-- Those that somebody has changed lately. :since
select key, changed from registration where changed >= cast(:since as integer) limit 500
