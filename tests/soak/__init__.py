"""Nothing lost: the whole system as processes, killed with kill -9 while people write.

Owns: what is sent and when things die (`plan`), the processes (`system`), the sender (`sender`),
what is found afterwards (`evidence`) and what must be true of it (`checker`).
Start reading at: `run.soak`.
"""
