"""Host names of gateways and agents, resolved ahead of the calls.

`lookup` is RFC 3263 over any source of records, `servers` asks name servers, `table` is what Kamailio reads, `watch`
decides when each name is looked up. Nothing of it runs in a call: the edge's file holds addresses alone.
"""
