"""What a sign can be, and how much it weighs by itself.

Purpose: the words a lexicon entry may use for what it signals.
Owns: KINDS, and the groups of kinds that the level rules speak of.
May import: signs.
Start reading at: KINDS.
"""

from __future__ import annotations

from escalation.signs import RiskLevel

NONE, WATCH, ELEVATED, HIGH, IMMINENT = RiskLevel

KINDS = {
    # R1, R1T (service specification 3.2, R1 anchors and rules 2, 3, 7, 11)
    "word": WATCH,  # the bare word, which may be news
    "hopeless": WATCH,  # "can't go on"
    "wish": ELEVATED,  # to be dead, not to wake up
    "thought": ELEVATED,  # of dying, of killing oneself, "better off without me"
    "attempt": ELEVATED,  # in the past, time unknown
    "intent": HIGH,  # will, wants to, is going to
    "method": HIGH,  # in mind
    "harm": HIGH,  # self-injury, now or lately
    "plan": HIGH,  # prepared, wrote the letter, has what it takes
    "act": IMMINENT,  # started or done
    "means": WATCH,  # within reach
    "goodbye": WATCH,
    "farewell": NONE,  # what makes a goodbye a last one: "don't write back"
    "closing": WATCH,  # affairs put in order: debts paid, things given away
    "isolation": WATCH,  # locked in, does not answer
    "bereavement": WATCH,  # somebody died by suicide
    "resolve": NONE,  # decided, nobody can stop me
    "time": NONE,  # tonight, tomorrow: tied to another sign
    "recent": NONE,  # last week: tied to an attempt
    # R2, R3
    "threat": HIGH,
    "armed_threat": IMMINENT,  # named target and means
    "vague_threat": WATCH,
    "violence": HIGH,  # by partner, family, others, now or lately
    "attacker": IMMINENT,  # present, or life threatened at a known time
    "past_violence": ELEVATED,
    # R4
    "child_harm": HIGH,
    "child_danger": IMMINENT,
    "minor": NONE,  # the writer is under 18
    # R5 … R10
    "control": HIGH,
    "control_sign": ELEVATED,  # papers held, not free to leave, unpaid: two make a control
    "emergency": IMMINENT,
    "orders": HIGH,  # voices that command
    "confusion": ELEVATED,
    "disclosure": WATCH,
    "staff_abuse": HIGH,
    "need": ELEVATED,
    "expulsion": HIGH,
    "danger": IMMINENT,
    "idiom": WATCH,  # an idiom that may be meant
    "distress": NONE,  # makes a disclosed trauma, or an old attempt, a present matter
    "help": NONE,  # asks for help: tied to another sign
    # R11
    "unreadable": NONE,  # rule 8 weighs it
}
"""Kind of sign → level when it is affirmed and stands alone."""

CORE = frozenset({"wish", "thought", "intent", "method", "plan", "act", "harm"})
"""Affirmed suicide words, for rules 2, 5 and 11."""
AIMS = frozenset({"intent", "method", "plan", "threat", "violence", "control"})
"""Signs that a time word anywhere in the sentence makes imminent."""
ASPECTS = {
    "hopeless": "despair",
    "goodbye": "leave",
    "farewell": "leave",
    "closing": "leave",
    "means": "means",
    "resolve": "resolve",
    "time": "time",
}
"""Weak signs of suicide → the aspect they show; three aspects together are serious."""
SETTING = frozenset({"hopeless", "farewell", "closing", "means", "resolve"})
"""Weak signs to which a time word anywhere near belongs."""
ACUTE = frozenset({"plan", "means", "time", "act"})
"""What turns an affirmed wish or intent into level 4 (rule 2)."""
