-- What a trunk's policy makes of an offer within a call that stands. :policy, :offered
select code, reason, flags from media_rule where direction = 'in' and policy = :policy and offered = :offered
