-- What a trunk's options say of its calls. :trunk
select callers, destinations, login, max_calls, max_rate, max_minutes,
       headers, flags, codecs, number_format, country_code, called_from
from trunk where id = :trunk
