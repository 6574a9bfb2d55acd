"""Two network namespaces joined by a relay of packets, which loses, delays, repeats or reorders them. Needs root.

netem is not in every kernel; a relay over two TUN devices is in any that has namespaces.
"""

import ctypes
import fcntl
import heapq
import multiprocessing
import os
import random
import select
import struct
import subprocess
import time

from chaos_lib.common import Failure

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
CLONE_NEWNET = 0x40000000
SETTINGS = ("loss", "delay", "jitter", "duplicate", "reorder", "down")


def ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


def open_tun(namespace, device):
    """A TUN device within the namespace; returns its descriptor."""
    libc = ctypes.CDLL(None, use_errno=True)
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    try:
        if libc.setns(there, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")
        tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH22x", device.encode(), IFF_TUN | IFF_NO_PI))
        return tun
    finally:
        libc.setns(home, CLONE_NEWNET)
        os.close(home)
        os.close(there)


class NetSpace:
    """`hosts`: the addresses of the two ends; `place(end)`: the words that start a program there."""

    hosts = ("10.77.0.1", "10.77.0.2")

    def __init__(self, seed):
        if os.geteuid() != 0:
            raise Failure("network namespaces need root")
        self.names = [f"genkidama-{os.getpid()}-{end}" for end in range(2)]
        self.made, self.tuns, self.process = [], [], None
        context = multiprocessing.get_context("fork")
        self.values = {name: context.Value("d", 0.0) for name in SETTINGS}
        self.packets = context.Value("q", 0)
        try:
            for end, name in enumerate(self.names):
                ip("netns", "add", name)
                self.made.append(name)
                self.tuns.append(open_tun(name, "tun0"))
                ip("-n", name, "addr", "add", self.hosts[end], "peer", self.hosts[1 - end], "dev", "tun0")
                ip("-n", name, "link", "set", "tun0", "up", "mtu", "1500")
                ip("-n", name, "link", "set", "lo", "up")
        except (OSError, subprocess.CalledProcessError) as error:
            self.close()
            raise Failure(f"cannot make network namespaces: {getattr(error, 'stderr', '') or error}") from None
        self.process = context.Process(target=self.relay, args=(seed,), daemon=True)
        self.process.start()

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        self.close()

    def close(self):
        if self.process is not None:
            self.process.kill()
            self.process.join()
        for tun in self.tuns:
            os.close(tun)
        for name in self.made:
            subprocess.run(["ip", "netns", "delete", name], check=False, capture_output=True)

    def place(self, end):
        return ["nsenter", f"--net=/run/netns/{self.names[end]}", "--"]

    def set(self, **settings):
        """Shares from 0 to 1, delay and jitter in seconds; what is not named is 0."""
        for name in SETTINGS:
            self.values[name].value = float(settings.get(name, 0))

    def relay(self, seed):
        chance = random.Random(seed)
        other = {self.tuns[0]: self.tuns[1], self.tuns[1]: self.tuns[0]}
        waiting, count = [], 0
        while True:
            now = time.monotonic()
            while waiting and waiting[0][0] <= now:
                _, _, out, packet = heapq.heappop(waiting)
                try:
                    os.write(out, packet)
                except OSError:
                    pass
            timeout = max(0, waiting[0][0] - now) if waiting else 1
            for tun in select.select(self.tuns, [], [], timeout)[0]:
                for _ in range(64):
                    try:
                        packet = os.read(tun, 4096)
                    except OSError:
                        break
                    self.packets.value += 1
                    if self.values["down"].value or chance.random() < self.values["loss"].value:
                        continue
                    copies = 2 if chance.random() < self.values["duplicate"].value else 1
                    for _ in range(copies):
                        delay = self.values["delay"].value + chance.random() * self.values["jitter"].value
                        if chance.random() < self.values["reorder"].value:
                            delay += chance.uniform(0.001, 0.02)  # others overtake it
                        count += 1
                        heapq.heappush(waiting, (time.monotonic() + delay, count, other[tun], packet))
