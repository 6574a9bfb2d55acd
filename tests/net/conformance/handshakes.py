"""Cases of the opening handshake (RFC 6455, 4), which differ from end to end."""

import socket

from peer import Peer, SECONDS, Violation, accept_key, make_frame

SERVER_CASES = []  # (name, function of a Peer that has dialled)
CLIENT_CASES = []  # (name, the answer's status line, headers, bytes that follow)


def refused(arguments, statuses, peer):
    status, _ = peer.request(**arguments)
    if status not in statuses:
        raise Violation(f"answered with {status}; expected one of {statuses}")


def add_server(name, statuses, **arguments):
    SERVER_CASES.append((f"handshake: {name}", lambda peer: refused(arguments, statuses, peer)))


NOT_OPENED = (400, 405, 426, 501, 505)
add_server("the method POST", NOT_OPENED, method="POST")
add_server("HTTP/1.0", NOT_OPENED, http="1.0")
for header in ("Host", "Upgrade", "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Version"):
    add_server(f"no {header}", NOT_OPENED, leave_out=(header,))
add_server("another version", (400, 426), leave_out=("Sec-WebSocket-Version",), more=b"Sec-WebSocket-Version: 8\r\n")
add_server("another protocol", NOT_OPENED, leave_out=("Upgrade",), more=b"Upgrade: h2c\r\n")
add_server("a page of a browser", (403,), more=b"Origin: https://example.org\r\n")
add_server("no HTTP", NOT_OPENED, http="1.1\r\n\x00\x01")


def offered(more, peer):
    """Extensions and protocols that a client offers are not taken, and the link is opened without."""
    status, headers = peer.request(more=more)
    if status != 101 or "sec-websocket-extensions" in headers or "sec-websocket-protocol" in headers:
        raise Violation(f"answered with {status}, {headers}")
    peer.frame(1, b"plain")
    peer.expect(1, b"plain")
    peer.finish()


for name, more in (
    ("compression is offered", b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"),
    ("an unknown extension is offered", b"Sec-WebSocket-Extensions: x-unknown; a=1\r\n"),
    ("a protocol is offered", b"Sec-WebSocket-Protocol: chat, superchat\r\n"),
    ("headers in other cases", b"X-OTHER: 1\r\nx-other: 2\r\n"),
):
    SERVER_CASES.append((f"handshake: {name}", lambda peer, more=more: offered(more, peer)))


def early(peer):
    """A client must wait for the answer (4.1); either way the bytes are not taken for a frame of HTTP."""
    more = b"\r\n" + make_frame(1, b"early", mask=b"\1\2\3\4")
    status, _ = peer.request(more=more)
    if status not in (101, 400):
        raise Violation(f"answered with {status}")


SERVER_CASES.append(("handshake: a frame before the answer", early))

SOUND = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Accept": None}
SWITCHING = "HTTP/1.1 101 Switching Protocols"


def add_client(name, status=SWITCHING, **changes):
    headers = {**SOUND, **{key.replace("_", "-"): value for key, value in changes.items()}}
    CLIENT_CASES.append((f"handshake: {name}", status, {k: v for k, v in headers.items() if v != ""}))


for status in ("200 OK", "404 Not Found", "500 Internal Server Error"):
    add_client(f"status {status}", status=f"HTTP/1.1 {status}", Content_Length="0")
add_client("no HTTP", status="SSH-2.0-OpenSSH_9.2")
add_client("no Upgrade", Upgrade="")
add_client("another Upgrade", Upgrade="h2c")
add_client("no Connection", Connection="")
add_client("another Connection", Connection="close")
add_client("no Sec-WebSocket-Accept", Sec_WebSocket_Accept="")
add_client("another Sec-WebSocket-Accept", Sec_WebSocket_Accept="s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
add_client("compression that was not offered", Sec_WebSocket_Extensions="permessage-deflate")
add_client("an extension that was not offered", Sec_WebSocket_Extensions="x-unknown")
add_client("a protocol that was not offered", Sec_WebSocket_Protocol="chat")


def check_client(connection, status, headers):
    """Answers the request so; the client must end the connection without having sent a frame of data."""
    peer = Peer(connection, is_client=False)
    _, request = peer.read_header()
    key = request.get("sec-websocket-key", "").encode()
    values = {k: accept_key(key).decode() if v is None else v for k, v in headers.items()}
    lines = "".join(f"{k}: {v}\r\n" for k, v in values.items())
    peer.raw(f"{status}\r\n{lines}\r\n".encode() + make_frame(1, b"echo?"))
    try:
        peer.connection.settimeout(SECONDS)
        said = b""
        while chunk := peer.connection.recv(4096):
            said += chunk
            if said and said[0] & 15 in (1, 2):
                break
    except ConnectionResetError:
        return  # as good an end as any
    except socket.timeout:
        raise Violation("the client stays") from None
    if said and said[0] & 15 in (1, 2):
        raise Violation("the client took the answer for a sound one")
