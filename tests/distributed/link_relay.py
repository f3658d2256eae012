"""A link with a delay and loss: a process that owns both its ends, and passes packets from one to the other.

It stands in for the kernel's netem, which many kernels lack. Each packet waits the delay, counted from when it was
read, so that one is never early; how late it may be depends on how soon this process runs. A queue of `LIMIT` packets
each way drops what comes when it is full, as a network card does.

A line on standard input is answered with the counts so far; the end of standard input ends the link.
"""

import errno
import fcntl
import json
import os
import random
import select
import struct
import sys
import time
from collections import deque
from contextlib import suppress
from typing import Any

from tests.distributed.namespaces import TUN, join_network

LIMIT = 1000
PACKET_BYTES = 65536
SET_INTERFACE, TAP, WITHOUT_HEADER = 0x4004_54CA, 0x0002, 0x1000


def main(one_way_s: str, loss: str, seed: str, *ends: str) -> None:
    """Make an interface at each end, given as the ID of a process in its network and a name; then pass packets."""
    with suppress(PermissionError):  # what stands in for a network must not wait for the programs that use it
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    taps = [_tap(int(process), name) for process, name in zip(ends[::2], ends[1::2], strict=True)]
    print(json.dumps("ready"), flush=True)
    Relay(taps[0], taps[1], float(one_way_s), float(loss), random.Random(int(seed))).run()


class Relay:
    """Packets under way between two interfaces, in the order in which they are due."""

    def __init__(self, one: int, other: int, one_way_s: float, loss: float, chance: random.Random) -> None:
        self.other_end = {one: other, other: one}
        self.one_way_s = one_way_s
        self.loss = loss
        self.chance = chance
        self.waiting: deque[tuple[float, int, bytes]] = deque()
        self.queued = {one: 0, other: 0}
        self.counts = {"passed": 0, "lost": 0, "overflowed": 0}
        self.latest_s = 0.0

    def run(self) -> None:
        """Pass packets on until standard input ends, or an end of the link is gone."""
        while True:
            wait_s = max(0.0, self.waiting[0][0] - time.monotonic()) if self.waiting else None
            for readable in select.select([0, *self.other_end], [], [], wait_s)[0]:
                if readable != 0:
                    if not self.take(readable):
                        return
                elif os.read(0, 1024):
                    print(json.dumps({**self.counts, "latest_ms": round(self.latest_s * 1e3, 3)}), flush=True)
                else:
                    return
            self.deliver()

    def take(self, end: int) -> bool:
        """Read what has come in at one end; return whether that end is still there."""
        due, leaving = time.monotonic() + self.one_way_s, self.other_end[end]
        for _ in range(64):  # then see what is due, whatever else comes
            try:
                packet = os.read(end, PACKET_BYTES)
            except BlockingIOError:
                break
            except OSError as error:
                if error.errno == errno.EBADFD:  # its network namespace is gone
                    return False
                raise
            if self.chance.random() < self.loss:
                self.counts["lost"] += 1
            elif self.queued[leaving] >= LIMIT:
                self.counts["overflowed"] += 1
            else:
                self.queued[leaving] += 1
                self.waiting.append((due, leaving, packet))
        return True

    def deliver(self) -> None:
        """Write what is due by now."""
        while self.waiting and self.waiting[0][0] <= (now := time.monotonic()):
            due, leaving, packet = self.waiting.popleft()
            self.queued[leaving] -= 1
            self.latest_s = max(self.latest_s, now - due)
            with suppress(OSError):  # the interface is down, and takes nothing
                os.write(leaving, packet)
                self.counts["passed"] += 1


def _tap(process: int, name: str) -> int:
    """Make an interface in the network of a process; return what its packets are read from and written to."""
    join_network(process)
    tap = os.open(TUN, os.O_RDWR | os.O_NONBLOCK)
    request: Any = struct.pack("16sH22x", name.encode(), TAP | WITHOUT_HEADER)
    fcntl.ioctl(tap, SET_INTERFACE, request)
    return tap


if __name__ == "__main__":
    main(*sys.argv[1:])
