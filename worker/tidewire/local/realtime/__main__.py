"""Run the embedded Realtime server: `python -m tidewire.local.realtime --port 4000`."""

from __future__ import annotations

import argparse

import uvicorn

from tidewire.local.realtime.app import realtime_app
from tidewire.local.realtime.settings import RealtimeSettings
from tidewire.local.realtime.websocket import WebSocketProtocol


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tidewire.local.realtime")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    uvicorn.run(
        realtime_app(RealtimeSettings()),
        host=arguments.host,
        port=arguments.port,
        http="h11",
        ws=WebSocketProtocol,
        lifespan="on",
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=3,
    )


if __name__ == "__main__":
    main()
