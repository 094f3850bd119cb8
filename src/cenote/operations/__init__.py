"""
The operations: one function each, whose body is its specification in order.

Who asks, what is true, what changes, who is told.

They know the domain and the seams of `services.py`; they know neither HTTP nor SQL nor JSON.
"""
