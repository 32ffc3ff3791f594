"""Serves until it is killed: `python -m standin [--port N]`, the URL on the first line of its output."""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
import threading

from standin.server import ClaudeServer


def main() -> None:
    """Start the server, tell its URL and wait for an interrupt or a termination."""
    parser = argparse.ArgumentParser(prog="python -m standin", description="A stand-in for Claude's API.")
    parser.add_argument("--port", type=int, default=0, help="the port to listen on; any free one by default")
    arguments = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM):
        # Said outright, because a process that a shell started in the background ignores interrupts.
        signal.signal(number, signal.default_int_handler)
    with ClaudeServer(port=arguments.port) as server, contextlib.suppress(KeyboardInterrupt):
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        threading.Event().wait()


if __name__ == "__main__":
    main()
