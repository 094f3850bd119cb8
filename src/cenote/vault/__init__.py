"""
The vault: what is at rest is sealed, user by user, and what is erased can't be opened again.

It owns the keys folder, the master key, the envelopes and the proof of an erasure.  It knows no table and no
operation: the store hands it sealed values and asks it to open them.
"""
