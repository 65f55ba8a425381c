"""Our pieces of Rasa: the turn channel, the tracker store that stores nothing, the flow policy.

Owns: what `credentials.yml`, `endpoints.yml` and `config.yml` name.
May import: Rasa, `bot.flow`, `bot.vocabulary`.
Start reading at: `turn.py`, the one turn under way; then `channel.py`.
"""
