"""Runs one command and tells what it cost. The costs are the kernel's own account of the child, not a sampler's guess."""

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass

# ru_maxrss is in KiB on Linux and in bytes on macOS.
RSS_UNIT = 1 if sys.platform == "darwin" else 1024

# Minutes are those of UTC in all answers.
ENVIRONMENT = {**os.environ, "TZ": "UTC"}


@dataclass(frozen=True)
class Cost:
    """What one run took, and what it printed."""

    wall_s: float
    cpu_s: float
    rss_bytes: int
    code: int
    stdout: str
    stderr: str


def run(argv, timeout_s):
    """Runs `argv` to its end. CPU and peak memory include the children that it waited for.

    A child starts as a copy of this process, so that no peak below this process's own size can be seen: see `floor`.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        start = time.perf_counter()
        child = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=ENVIRONMENT, start_new_session=True
        )
        killer = threading.Timer(timeout_s, _kill_group, [child.pid])
        killer.start()
        try:
            _, status, usage = os.wait4(child.pid, 0)
        finally:
            killer.cancel()
        wall = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        return Cost(
            wall_s=wall,
            cpu_s=usage.ru_utime + usage.ru_stime,
            rss_bytes=usage.ru_maxrss * RSS_UNIT,
            code=child.returncode,
            stdout=_text(out),
            stderr=_text(err),
        )


def floor():
    """The smallest peak memory that can be measured: that of a program that does nothing."""
    nothing = shutil.which("true")
    return run([nothing], 10).rss_bytes if nothing else 0


def _kill_group(pid):
    """Ends the child and what it started, of which it is the session's leader."""
    try:
        os.killpg(pid, 9)
    except ProcessLookupError:
        pass


def _text(file):
    file.seek(0)
    return file.read(1_000_000).decode("utf-8", "replace")
