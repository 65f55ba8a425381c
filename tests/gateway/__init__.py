"""The gateway as Twilio meets it: signed forms in, rows and empty answers out, whatever is thrown at it."""
