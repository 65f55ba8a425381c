"""Planned support: groups and their meetings, services, check-ins, and the flows' actions on them.

Owns: the actions a flow may call.
May import: store, flow, and below.
Start reading at: `actions.ACTIONS`.
"""
