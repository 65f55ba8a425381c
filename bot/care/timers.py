"""Names of the timers that care sets.

Owns: NOBODY_CAME.
May import: nothing.
Start reading at: `NOBODY_CAME`.
"""

NOBODY_CAME = "nobody_came"
