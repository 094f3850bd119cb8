"""Sign-in: one dispatcher, one file a flow or challenge, and the tokens that each of them ends in."""
