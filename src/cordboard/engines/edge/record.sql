-- What the recording switches of the accounts in a call say of it: a row for each of them.
--   :account  id of the account that calls, or that takes a call from outside
--   :target   username of the account that is called, if :direction is internal
select party,
       instr(' ' || record || ' ', case party when 'caller' then ' out-' else ' in-' end
                                   || case :direction when 'internal' then 'internal ' else 'external ' end) > 0 as always,
       instr(' ' || record || ' ', ' on-demand ') > 0 as demand
from (select case when id = :account and :direction <> 'in' then 'caller' else 'callee' end as party, record
      from account where id = :account or (username = :target and :direction = 'internal'))
