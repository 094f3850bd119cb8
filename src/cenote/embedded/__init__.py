"""
A server inside another program: `cenote.start()`.

Owns what stands between boto3 and the WSGI application when there is no socket, and what a program may do to
a server that it holds.  Leaves out the server itself: `app.py` builds it, as it does for `cenote serve`.
"""
