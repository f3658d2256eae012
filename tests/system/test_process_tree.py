"""CPU time of children: known answers, and processes that burn a known time of CPU."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

from loadtests.system.process_tree import ProcessTree, TreeCpu, cpu_between, descendants

BURN = "import time\nwhile time.process_time() < {seconds}: pass\nprint(flush=True)\ninput()"
PARENT = f"""
import subprocess, sys
for seconds in map(float, iter(sys.stdin.readline, "end\\n")):
    code = {BURN!r}.format(seconds=seconds)
    subprocess.run([sys.executable, "-S", "-c", code], input=b"\\n", stdout=subprocess.DEVNULL, check=True)
    print(flush=True)
"""


@pytest.mark.parametrize(
    ("before", "after", "seconds"),
    [
        (TreeCpu(1.0, {}, 0.0), TreeCpu(1.5, {}, 0.0), 0.5),
        (TreeCpu(1.0, {7: 2.0}, 0.0), TreeCpu(1.0, {7: 2.5}, 0.0), 0.5),  # a child goes on
        (TreeCpu(1.0, {}, 0.0), TreeCpu(1.0, {7: 0.5}, 0.0), 0.5),  # one has begun
        (TreeCpu(1.0, {}, 3.0), TreeCpu(1.0, {}, 3.5), 0.5),  # one came and went
        (TreeCpu(1.0, {7: 2.0}, 3.0), TreeCpu(1.0, {}, 5.5), 0.5),  # one has ended: all its time is on the account
        (TreeCpu(1.0, {7: 2.0}, 0.0), TreeCpu(1.5, {}, 0.0), 0.5),  # nobody waited for it
        (TreeCpu(1.0, {7: 2.0, 8: 1.0}, 3.0), TreeCpu(1.1, {8: 1.1, 9: 0.1}, 5.2), 0.5),
    ],
)
def test_cpu_time_between_two_readings(before: TreeCpu, after: TreeCpu, seconds: float) -> None:
    assert cpu_between(before, after) == pytest.approx(seconds)


@contextmanager
def started(code: str) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-S", "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


def tell(process: subprocess.Popen[bytes], words: str) -> None:
    """Say something, and wait until it has been done."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(words.encode() + b"\n")
    process.stdin.flush()
    assert process.stdout.readline()


@pytest.mark.skipif(sys.platform != "linux", reason="macOS keeps no account of ended children")
def test_children_that_have_ended_count() -> None:
    with started(PARENT) as parent:
        tell(parent, "0")
        tree = ProcessTree([parent.pid])
        before = tree.open()
        for _ in range(2):
            tell(parent, "0.15")
        # Python's own end, and two readings in ticks, come to less than the rest.
        assert cpu_between(before, tree.close()) == pytest.approx(0.3, abs=0.12)


def test_a_child_that_goes_on_counts_and_its_end_is_no_error() -> None:
    code = "import subprocess, sys\nchild = subprocess.Popen([sys.executable, '-S', '-c', {!r}])\n"
    code += "input()\nchild.wait()\ninput()"
    with started(code.format(BURN.format(seconds=0.2))) as parent:
        tree = ProcessTree([parent.pid])
        assert parent.stdout is not None
        assert parent.stdout.readline()  # the child has burnt it
        now = tree.open()
        [child] = now.alive_s
        assert now.alive_s[child] == pytest.approx(0.2, abs=0.05)
        assert descendants(parent.pid) == [child]
        assert tree.size()[1] == 2
        assert tree.glance().alive_s[child] == pytest.approx(0.2, abs=0.05)
        psutil.Process(child).kill()
        tell_nothing(parent)
        later = tree.close()
        assert later.alive_s == {}
        assert 0 <= cpu_between(now, later) < 0.15
        assert tree.size()[1] == 1


def tell_nothing(parent: subprocess.Popen[bytes]) -> None:
    """Let the parent wait for its child, and see to it that it has."""
    assert parent.stdin is not None
    [child] = psutil.Process(parent.pid).children()
    parent.stdin.write(b"\n")
    parent.stdin.flush()
    psutil.wait_procs([child], timeout=30)


def test_a_process_itself_that_is_gone_is_an_error() -> None:
    with started("input()") as process:
        tree = ProcessTree([process.pid])
        tree.open()
    with pytest.raises(psutil.NoSuchProcess):
        tree.close()
    with pytest.raises(psutil.NoSuchProcess):
        ProcessTree([process.pid]).open()
