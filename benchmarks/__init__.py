"""
What a call costs: measured over real sockets, on either engine, beside other servers that speak the same API.

`python -m benchmarks` fills houses with users, loads one server after another with the same requests, and
writes a table.  Processor time per call and ratios within one run are the figures to hold; a rate depends on
what else the machine is doing, which every row says.
"""
