"""The truth, in PostgreSQL.

Owns: tables, migrations, encryption at rest, one transaction per turn, every SQL statement.
May import: SQLAlchemy, asyncpg, cryptography; `bot.vocabulary`, `bot.clock`, `bot.errors`.
Start reading at: `database.Database`, then `inbox.py`.
"""
