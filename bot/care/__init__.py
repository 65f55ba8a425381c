"""People helping people: cases, hand-over, help lines, the first answer to risk.

Owns: what a case does to control, and what counsellors may do with one.
May import: store, and below.
Start reading at: `handover.py`.
"""
