"""Peers we did not write: Twilio's published schema, Prism, and the emulator `emulate`.

Owns: `stack`, which installs, starts and stops them, for any test that wants them.
Start reading at: `stack.running`.
"""
