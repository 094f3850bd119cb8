"""
Pure values and rules: what pools, clients, users, names and passwords are, and what is refused.

Nothing here knows a clock, a die, a database, JSON text or a socket: the time, random bytes and documents
come in as arguments.  Requests that arrive have passed the model, so no shape is checked a second time.
Leaves out who may ask (operations), what is kept (store) and how it travels (wire).
"""
