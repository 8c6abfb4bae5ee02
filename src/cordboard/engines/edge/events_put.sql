-- :class, :lines, :body
insert into event(class, lines, body) values (:class, :lines, :body)
