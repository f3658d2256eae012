"""Round trips to a host, by ICMP, which its kernel answers: nothing has to run there."""

import json
import os
import select
import socket
import struct
import sys
import time

from tests.distributed.hosts import Host

ECHO, ECHO_REPLY = 8, 0
IP_HEADER_BYTES = 20
LAST_ANSWER_S = 1.0


def ping(host: Host, other: Host, count: int, every_s: float) -> list[float]:
    """Send packets from one host to another at a steady rate; return the seconds that those took which were answered.

    What is not answered within a second of the last packet counts as lost.
    """
    run = host.run([sys.executable, "-P", "-m", __name__, other.address, str(count), str(every_s)], limit_s=120)
    round_trips: list[float] = json.loads(run.stdout)
    return round_trips


def main(address: str, count: int, every_s: float) -> None:
    """Print the round trips that were answered, in seconds."""
    own = os.getpid() & 0xFFFF
    round_trips: dict[int, float] = {}
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as line:
        line.connect((address, 0))
        start, sent = time.perf_counter(), 0
        sent_at: list[float] = []
        while len(round_trips) < count:
            now = time.perf_counter()
            if sent < count and now >= start + sent * every_s:
                line.send(_request(own, sent))
                sent_at.append(now)
                sent += 1
            next_s = start + sent * every_s if sent < count else sent_at[-1] + LAST_ANSWER_S
            if sent == count and now >= next_s:
                break
            while select.select([line], [], [], max(0.0, next_s - time.perf_counter()))[0]:
                kind, _, _, whose, number = struct.unpack_from("!BBHHH", line.recv(1024), IP_HEADER_BYTES)
                if kind == ECHO_REPLY and whose == own and number < len(sent_at):
                    round_trips.setdefault(number, time.perf_counter() - sent_at[number])
                if time.perf_counter() >= next_s or len(round_trips) == count:
                    break
    print(json.dumps(list(round_trips.values())))


def _request(own: int, number: int) -> bytes:
    words = [ECHO << 8, 0, own, number]
    total = sum(words)
    words[1] = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
    return struct.pack("!4H", *words)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
