-- :number, :name
update counter set number = number + :number where name = :name
