"""
For the tests of whoever builds on Cenote: the pytest plugin, and the client's half of SRP.

Owns nothing of the server: it is a program like any other that holds one (`cenote.start`).
"""
