"""Risk screening of every inbound message.

Purpose: find signs of risk in a message and say how soon a person must act.
Owns: signs of risk, levels and the rules between them; lexicon/<language>.yml; which help lines may be given.
May import: the standard library only, and itself. It is pure: no clock, no network, no files.
Start reading at: screen.Screener.assess.
"""

from escalation.lexicon import LexiconError
from escalation.screen import Screener
from escalation.second import raised
from escalation.signs import Assessment, Earlier, RiskCategory, RiskLevel, RiskSignal, highest

__all__ = [
    "Assessment",
    "Earlier",
    "LexiconError",
    "RiskCategory",
    "RiskLevel",
    "RiskSignal",
    "Screener",
    "highest",
    "raised",
]
