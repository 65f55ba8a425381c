"""Tests of `bot.channels`, with a fake of ours and two peers that we did not write.

Owns: captured provider forms, `fake_twilio` (ours), `peers` (Twilio's schema, Prism, emulate).
Start reading at: `test_captured_forms.py`, then `test_sending.py`.
"""
