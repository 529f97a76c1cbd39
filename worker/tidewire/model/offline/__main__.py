"""Runs the offline model: `python -m tidewire.model.offline --port 54390`."""

from __future__ import annotations

import argparse
import contextlib
import socket
import sys
from collections.abc import Sequence

import uvicorn

from tidewire.model.offline.app import OfflineConfig, make_app


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until a signal comes. The first line of output is the API's base URL."""
    options = _options(arguments)
    listener = socket.create_server((options.host, options.port), backlog=512)
    sys.stdout.write(f"http://{options.host}:{listener.getsockname()[1]}/v1\n")
    sys.stdout.flush()
    config = OfflineConfig(options.rate, options.repeat_last_sentence)
    server = uvicorn.Server(
        # A stream may last a minute; whoever stops the model does not want to wait for it.
        uvicorn.Config(make_app(config), log_level="warning", timeout_graceful_shutdown=1)
    )
    with contextlib.suppress(KeyboardInterrupt):  # Ctrl-C is how a terminal ends it
        server.run(sockets=[listener])


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tidewire.model.offline",
        description="A language model for demos and tests: the OpenAI API, answering with "
        "sentences of the documents in its prompt.",
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0, the default, takes a free one")
    parser.add_argument("--rate", type=_rate, default=50.0, help="deltas a second; 0: no limit")
    parser.add_argument(
        "--repeat-last-sentence",
        action="store_true",
        help="begin a continuation with the last sentence of what it continues",
    )
    return parser.parse_args(arguments)


def _rate(text: str) -> float:
    rate = float(text)
    if not 0 <= rate < float("inf"):
        raise argparse.ArgumentTypeError(f"rate must be 0 or more, got {text}")
    return rate


if __name__ == "__main__":
    main()
