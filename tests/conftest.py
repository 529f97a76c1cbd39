"""What every suite shares: the stack, a database for each test, and signed-in users."""

import os

# The real server waits 5 s before it refuses a join; its tests set that themselves.
os.environ.setdefault("TIDEWIRE_REALTIME_CHANNEL_ERROR_BACKOFF_MS", "100")

pytest_plugins = ["stack", "accounts", "registered_flows"]
