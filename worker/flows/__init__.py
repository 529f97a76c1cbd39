"""The example flows that the demo runs."""
