"""Running everything on one machine: embedded servers, child processes, demo content.

Owns: starting, watching, restarting and stopping what `harbour run` starts.
May import: settings, store (to seed), the standard library; nothing imports it but the cli.
Start reading at: `processes.Supervisor`.
"""
