"""A TCP relay in a process of its own that can flip bits, and cut or hold what it relays."""

import multiprocessing
import random
import select
import socket
import time


class ByteRelay:
    """Listens at `port` of loopback and dials `target`. One bit in `flip_every` bytes is flipped (0: none). With
    `bytes_per_second`, no more than these pass, both ways and all connections together."""

    def __init__(self, target, flip_every=0, seed=1, bytes_per_second=0):
        self.chunk = max(1, bytes_per_second // 20) if bytes_per_second else 1 << 16
        self.pause = 0.05 if bytes_per_second else 0
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self.listener.getsockname()[1]
        context = multiprocessing.get_context("fork")
        self.flips = context.Value("q", 0)
        self.cuts = context.Value("q", 0)
        self.process = context.Process(target=self.serve, args=(target, flip_every, seed), daemon=True)
        self.process.start()

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        self.process.kill()
        self.process.join()
        self.listener.close()

    def cut(self):
        """Every connection, soon."""
        with self.cuts.get_lock():
            self.cuts.value += 1

    def serve(self, target, flip_every, seed):
        chance = random.Random(seed)
        other = {}
        cuts = 0

        def next_flip():
            return int(chance.expovariate(1 / flip_every)) if flip_every else None

        left = next_flip()

        def close(end):
            for each in (end, other.pop(end)):
                other.pop(each, None)
                each.close()

        while True:
            ready = select.select([self.listener, *other], [], [], 0.1)[0]
            if self.cuts.value != cuts:
                cuts = self.cuts.value
                for end in list(other):
                    if end in other:
                        close(end)
                continue
            for end in ready:
                if end is self.listener:
                    near, _ = self.listener.accept()
                    try:
                        far = socket.create_connection(("127.0.0.1", target), 5)
                    except OSError:
                        near.close()
                        continue
                    for each in (near, far):
                        each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                        each.settimeout(5)
                    other[near], other[far] = far, near
                elif end in other:
                    try:
                        data = bytearray(end.recv(self.chunk))
                        if self.pause:
                            time.sleep(self.pause)
                        while left is not None and left < len(data):
                            data[left] ^= 1 << chance.randrange(8)
                            self.flips.value += 1
                            left += 1 + next_flip()
                        if left is not None:
                            left -= len(data)
                        if data:
                            other[end].sendall(data)
                    except OSError:
                        data = b""
                    if not data:
                        close(end)
