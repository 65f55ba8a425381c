"""The conversation engine as the application meets it: real Rasa in a process of its own."""
