"""
The edge: HTTP in and out, sizes, CORS, health, metrics, the access log.

It knows no rule of the domain; what a call means is decided behind `wire/`.
"""
