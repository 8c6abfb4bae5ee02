"""LiveKit as an engine: what its SIP service must hold for our state, and how it is brought there."""
