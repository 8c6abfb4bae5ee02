-- What a trunk's options say of its calls. :trunk
select callers, destinations, login from trunk where id = :trunk
