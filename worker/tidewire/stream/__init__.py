"""From a handler's words to committed log entries, and from there to whoever watches."""
