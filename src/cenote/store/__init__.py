"""
The store: every row there is, behind verbs that keep promises.

It owns SQL, transactions and the cache of documents.  It knows no operation, no wire and no clock.
"""
