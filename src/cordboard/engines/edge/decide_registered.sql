-- Of a call to the user of one of our Contacts: with whose registration it came, and where its carrier says who is called.
--   :user  of the request URI
select t.id as trunk, t.called_from, t.tenant from registration g join trunk t on t.id = g.trunk where g.key = :user
