"""Trying what calls will need, from the edge's own address.

`sip` asks one question of one place and waits for its answers; it is no SIP stack, and keeps no state beyond that.
`names`, `connection` and `answers` are the steps, `prober` runs them for each place.
"""
