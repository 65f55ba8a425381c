"""One turn of one contact: screen, decide, play, record.

Owns: the order of things in a turn, and the language a contact is answered in.
May import: care, programme, store, dialogue, flow, and below; the package escalation.
Start reading at: `turn.py`.
"""
