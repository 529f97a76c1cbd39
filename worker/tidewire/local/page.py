"""Serves the demo page: static files, and `/config.json` that tells it where the stack is.

Run as `python -m tidewire.local.page --port N --folder F`; TIDEWIRE_PAGE_CONFIG holds the JSON.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from tidewire.local.ports import HOST

_NEVER_STORED = "no-store"
_CHECKED_EACH_TIME = "no-cache"
_KEPT_FOR_EVER = "public, max-age=31536000, immutable"


class _PageFiles(StaticFiles):
    """Static files with the caching that a bundler's output needs: names in assets/ are hashes."""

    async def get_response(self, path: str, scope: MutableMapping[str, Any]) -> Response:
        response = await super().get_response(path, scope)
        if response.media_type == "text/html":
            caching = _NEVER_STORED
        elif path.startswith("assets/"):
            caching = _KEPT_FOR_EVER
        else:
            caching = _CHECKED_EACH_TIME
        response.headers["cache-control"] = caching
        return response


def page_app(folder: Path, config: str) -> Starlette:
    async def show_config(request: Request) -> Response:
        return Response(
            config, media_type="application/json", headers={"cache-control": _NEVER_STORED}
        )

    async def health(request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    return Starlette(
        routes=[
            Route("/config.json", show_config),
            Route("/health", health),
            Mount("/", _PageFiles(directory=folder, html=True)),
        ]
    )


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m tidewire.local.page")
    arguments.add_argument("--port", type=int, required=True)
    arguments.add_argument("--folder", type=Path, required=True)
    chosen = arguments.parse_args()
    app = page_app(chosen.folder, os.environ["TIDEWIRE_PAGE_CONFIG"])
    uvicorn.run(app, host=HOST, port=chosen.port, log_level="warning", timeout_graceful_shutdown=1)


if __name__ == "__main__":
    main()
