"""What a turn costs in Harbour, beside the same turn through Rasa's own Twilio channel.

Purpose: numbers that anyone can make again on one machine, with `make bench`.
Owns: the comparison, its load, its report. Nothing here is a test and nothing ships.
May import: everything; `rasa_launch.py` runs in the engine's Python 3.10 and imports only Rasa's libraries.
Start reading at: `bench.py`, then `load.py`.
"""
