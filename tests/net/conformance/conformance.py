"""Holds both ends of the library's WebSocket session to RFC 6455, with the echo programs of tests/support.

    conformance.py ECHO_SERVER ECHO_CLIENT [--only WORD] [--verbose]

Prints how many cases passed at each end, and those that did not; exit code 1 when there is one.
"""

import argparse
import os
import re
import signal
import socket
import subprocess
import sys
import time

import handshakes
import suite_cases  # noqa: F401 (adds to CASES)
from cases import CASES, Violation
from peer import Peer, SECONDS, accept_key


def run_case(name, function, failures, verbose):
    start = time.monotonic()
    try:
        function()
    except (Violation, OSError, UnicodeDecodeError) as error:
        failures.append(f"{name}: {error}")
    if verbose:
        print(f"{time.monotonic() - start:7.3f} s  {name}", flush=True)


def test_server(program, wanted, verbose):
    """This end dials."""
    server = subprocess.Popen([program, "0"], stdout=subprocess.PIPE, text=True)
    failures, count = [], 0
    try:
        port = int(re.fullmatch(r"listening on port (\d+)\n", server.stdout.readline()).group(1))

        def dialled(function):
            peer = Peer.dial(port)
            with peer.connection:
                function(peer)

        def bare(function):
            with socket.create_connection(("127.0.0.1", port), SECONDS) as connection:
                function(Peer(connection, is_client=True))

        for cases, with_peer in ((CASES, dialled), (handshakes.SERVER_CASES, bare)):
            for name, function in cases:
                if wanted(name):
                    count += 1
                    run_case(f"server: {name}", lambda: with_peer(function), failures, verbose)
        server.send_signal(signal.SIGTERM)
        if server.wait(SECONDS) != 0:
            failures.append(f"server: ended with {server.returncode}")
    finally:
        server.kill()
        server.wait()
    return count, failures


def accept(listener, path):
    """The next connection, opened when it asks for this path."""
    connection, _ = listener.accept()
    peer = Peer(connection, is_client=False)
    target, headers = peer.read_header()
    if target != path:
        raise Violation(f"the client asked for {target}, not for {path}")
    answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    answer += f"Sec-WebSocket-Accept: {accept_key(headers['sec-websocket-key'].encode()).decode()}\r\n\r\n"
    peer.raw(answer.encode())
    if headers.get("sec-websocket-version") != "13" or len(headers["sec-websocket-key"]) != 24:
        raise Violation(f"the client's request: {headers}")
    if "sec-websocket-extensions" in headers:
        raise Violation("the client offers an extension")
    return peer


def test_client(program, wanted, verbose):
    """This end listens."""
    cases = [(name, function, None) for name, function in CASES if wanted(name)]
    cases += [(name, status, headers) for name, status, headers in handshakes.CLIENT_CASES if wanted(name)]
    failures = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(SECONDS)
        port = listener.getsockname()[1]
        client = subprocess.Popen([program, "127.0.0.1", str(port), "--agent", "test"], stdout=subprocess.DEVNULL)
        try:
            peer = accept(listener, "/getCaseCount")
            with peer.connection:
                peer.frame(1, str(len(cases)).encode())
                peer.finish()
            for number, (name, what, headers) in enumerate(cases, 1):
                path = f"/runCase?case={number}&agent=test"

                def serve():
                    if headers is not None:
                        connection, _ = listener.accept()
                        with connection:
                            handshakes.check_client(connection, what, headers)
                        return
                    peer = accept(listener, path)
                    with peer.connection:
                        what(peer)

                run_case(f"client: {name}", serve, failures, verbose)
            peer = accept(listener, "/updateReports?agent=test")
            with peer.connection:
                peer.finish()
            if client.wait(SECONDS) != 0:
                failures.append(f"client: ended with {client.returncode}")
        finally:
            client.kill()
            client.wait()
    return len(cases), failures


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("server")
    parser.add_argument("client")
    parser.add_argument("--only", default="", metavar="WORD", help="only the cases whose name holds this")
    parser.add_argument("--verbose", action="store_true", help="print each case and its time")
    arguments = parser.parse_args()
    for program in (arguments.server, arguments.client):
        if not os.access(program, os.X_OK):
            parser.error(f"there is no program {program}")

    def wanted(name):
        return arguments.only in name

    failed = False
    for end, test, program in (("server", test_server, arguments.server), ("client", test_client, arguments.client)):
        start = time.monotonic()
        count, failures = test(program, wanted, arguments.verbose)
        for failure in failures:
            print(failure)
        print(f"{end}: {count - len(failures)} of {count} cases passed in {time.monotonic() - start:.1f} s")
        failed |= bool(failures) or count == 0
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
