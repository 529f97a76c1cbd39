"""A test run as a user has it: no server is named, and each test has an event loop of its own."""

from __future__ import annotations

import asyncio
import sys

from tidewire import ConfigurationError, Flow
from tidewire.testing import run_flow

flow = Flow("one")


@flow.step()
async def only(input: int) -> int:
    """Return the input."""
    return input


def main() -> None:
    """Run the flow twice, say so, and go on until standard input ends."""
    if sys.argv[1:] == ["--without-extra"]:
        # What an import finds where the extra is not installed.
        sys.modules["psutil"] = None  # type: ignore[assignment]
        try:
            asyncio.run(run_flow(flow, 0))
        except ConfigurationError as error:
            print(error)
        return
    results = [asyncio.run(run_flow(flow, number)) for number in range(2)]
    print(", ".join(f"{result.status} {result.output}" for result in results), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
