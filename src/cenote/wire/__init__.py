"""
The wire: JSON in, the model's checks, an operation, JSON out, errors in AWS's form.

It knows the protocol and no HTTP server; what an operation means is not here.
"""
