"""The gateway: webhooks in, health and metrics out.

Owns: FastAPI and everything HTTP that comes in.
May import: channels, store, and below; never the worker.
Start reading at: `app.create_app`, then `webhooks.py`.
"""
