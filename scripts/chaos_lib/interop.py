"""Children that share nothing with the library."""

import json
import os
import pathlib
import subprocess
import tempfile
import time

from chaos_lib.common import Failure, Training, report, wait_until
from chaos_lib.family import free_port
from chaos_lib.peer import network_of

HERE = pathlib.Path(__file__).resolve().parent
# The system's own first: those have the packages.
CLIENTS = {
    "python": ("/usr/bin/python3", "interop_websockets.py"),
    "node": ("/usr/bin/node", "interop_ws.js"),
}


def run(arguments, _chance):
    """Lets clients on Python's websockets and Node's ws exchange weights with a Parent; no checksum may be wrong."""
    names = list(CLIENTS) if arguments.only is None else [arguments.only]
    layout, _ = network_of(arguments)
    figures = {}
    with tempfile.TemporaryDirectory(prefix="genkidama-chaos-") as directory:
        directory = pathlib.Path(directory)
        (directory / "layout.json").write_text(json.dumps(layout))
        port = free_port()
        words = [arguments.program, "parent", "--listen", f"127.0.0.1:{port}", "--preset", arguments.preset]
        words += ["--eval-episodes", "0", "--checkpoint-every", "1000000"]
        with Training(words, directory / "parent") as parent:
            wait_until(lambda: "listens on port" in parent.said(), 60, "the Parent's start")
            for name in names:
                interpreter, script = CLIENTS[name]
                if not pathlib.Path(interpreter).exists():
                    raise Failure(f"there is no {interpreter}")
                start = time.monotonic()
                client = subprocess.run(
                    [interpreter, HERE / script, str(port), directory / "layout.json", str(arguments.exchanges)],
                    capture_output=True,
                    text=True,
                    env={"NODE_PATH": "/usr/share/nodejs:/usr/lib/nodejs", **os.environ},
                    timeout=600 + arguments.exchanges,
                    check=False,
                )
                if client.returncode != 0:
                    raise Failure(f"{name}: {client.stderr[-2000:]}")
                took = time.monotonic() - start
                said = json.loads(client.stdout)
                if said["close_code"] != 1000:
                    raise Failure(f"{name}: the Parent closed with {said['close_code']}, not with 1000")
                figures[name] = {
                    "version": said["version"],
                    "exchanges": arguments.exchanges,
                    "per_s": round(arguments.exchanges / took),
                    "checksum_errors": 0,
                }
            summary = parent.end()
    figures["parent_updates"] = summary["updates"]
    figures["parent_refused_updates"] = summary["refused_updates"]
    report("interop", figures)
    if summary["updates"] != len(names) * arguments.exchanges or summary["refused_updates"] != 0:
        raise Failure("the Parent did not merge every exchange")


def add(subcommands):
    parser = subcommands.add_parser("interop", help="Children on other WebSocket libraries", description=run.__doc__)
    parser.add_argument("--exchanges", type=int, default=10_000, metavar="N", help="of each; default: %(default)s")
    parser.add_argument("--only", choices=list(CLIENTS), help="default: each")
    parser.set_defaults(fault=run)
