"""
The ways out to a person: what messages say, and who carries them.

Leaves out when one is due and what becomes of it (`courier.py`, `store/outbox.py`).
"""
