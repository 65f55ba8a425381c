"""The conversation engine: Rasa on Python 3.10, one turn per request, nothing kept.

Owns: the Rasa project (config, domain, endpoints), its components, training, serving, measuring.
May import: Rasa, `bot.flow` and `bot.vocabulary`; nothing of the application imports it.
Start reading at: `components/channel.py`, then `components/policy.py`.
"""
