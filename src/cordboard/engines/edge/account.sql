-- Whose digest credentials these are, and where that account is heard from. :login
select ha1, restricted, allowed from account where username = :login
