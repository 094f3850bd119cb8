"""
Times: integers of milliseconds since the epoch inside, numbers of seconds on the wire.

Owns the conversion.  Leaves out the clock: whoever needs the time is given it.
"""

MILLISECONDS = 1000


def wire_time(time_ms: int) -> int | float:
    """
    The number the service prints for a moment: seconds, with as many of three decimals as are not zero.

    A whole second is an `int`, so that no encoder writes `1.0`: the service drops trailing zeros (captured).
    """
    seconds, rest_ms = divmod(time_ms, MILLISECONDS)
    return time_ms / MILLISECONDS if rest_ms else seconds
