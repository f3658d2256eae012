"""How much a TCP connection between two hosts carries."""

import subprocess
import sys

from tests.distributed.hosts import Host

PORT = 9000
RECEIVE = f"""
import socket, time
with socket.create_server(("", {PORT})) as server:
    print("listens", flush=True)
    connection, _ = server.accept()
start, received = time.perf_counter(), 0
while content := connection.recv(1 << 18):
    received += len(content)
print(received / (time.perf_counter() - start) * 8 / 1e6)
"""
SEND = f"""
import socket, sys, time
with socket.create_connection((sys.argv[1], {PORT})) as connection:
    end = time.perf_counter() + float(sys.argv[2])
    while time.perf_counter() < end:
        connection.sendall(bytes(1 << 16))
"""


def megabits_per_s(sender: Host, receiver: Host, seconds: float) -> float:
    """Send as much as goes, for so long; return what came, in millions of bits a second."""
    with receiver.start([sys.executable, "-c", RECEIVE], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "listens\n"
        sender.run([sys.executable, "-c", SEND, receiver.address, str(seconds)])
        return float(process.stdout.readline())
