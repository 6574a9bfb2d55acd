"""A Child on Python's websockets. Usage: interop_websockets.py PORT LAYOUT_FILE EXCHANGES; prints one line of JSON."""

import asyncio
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

try:
    import websockets
except ImportError:
    sys.exit("there is no Python package websockets; on Debian: apt-get install python3-websockets")

from chaos_lib.peer import pack, unpack  # noqa: E402


async def main():
    port, layout, exchanges = sys.argv[1], json.loads(pathlib.Path(sys.argv[2]).read_text()), int(sys.argv[3])
    async with websockets.connect(f"ws://127.0.0.1:{port}/genkidama/1", max_size=None) as link:
        hello = {"type": "hello", "protocol": 1, "role": "child", "name": "python", "layout": layout}
        await link.send(json.dumps(hello))
        welcome = json.loads(await link.recv())
        assert welcome["type"] == "welcome", welcome
        session, _, update, weights = unpack(await link.recv())
        for sequence in range(1, exchanges + 1):
            await link.send(pack(session, sequence, update, weights))
            got, answered, update, weights = unpack(await link.recv())
            assert (got, answered) == (session, sequence)
        await link.send(json.dumps({"type": "leave", "reason": "done"}))
        await link.wait_closed()
    print(json.dumps({"version": websockets.__version__, "close_code": link.close_code}))


asyncio.run(main())
