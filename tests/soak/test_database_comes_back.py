"""The embedded PostgreSQL is noticed to be dead, and comes back with all it had, wherever it runs.

In a container the supervisor itself is often process 1, or nobody is, and the killed server stays a
zombie. After a power cut its pid file is still there, and its number may be another program's.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bot.supervisor.processes import ROOT

_BEGIN = """
import asyncio, ctypes, json, os, signal, sys, time
from pathlib import Path
import asyncpg
from bot.supervisor.servers import EmbeddedPostgres

server = EmbeddedPostgres(Path(sys.argv[1]) / "postgres")
found = {}

async def ask(statement):
    connection = await asyncpg.connect(server_url, timeout=5)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()

def answers(statement):
    try:
        return asyncio.run(ask(statement))
    except Exception as error:
        return type(error).__name__

def within(seconds, holds):
    until = time.monotonic() + seconds
    while not holds() and time.monotonic() < until:
        time.sleep(0.05)
    return holds()

def kill():
    os.kill(server.pid(), signal.SIGKILL)

server_url = server.start()
answers("CREATE TABLE kept AS SELECT 7 AS n")
"""

_END = """
server_url = server.start()
within(10, lambda: answers("SELECT 1") == 1)
found["comes back with"] = answers("SELECT n FROM kept")
server.stop()
print(json.dumps(found))
"""

_KILLED = """
kill()
found["noticed"] = within(10, lambda: not server.is_running())
"""

# 36 is PR_SET_CHILD_SUBREAPER: whoever loses a parent becomes ours, as everybody is process 1's.
_LIKE_PROCESS_1 = """
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
server.stop()
server_url = server.start()
kill()
found["noticed"] = within(10, lambda: not server.is_running())
"""

_ANOTHERS_NUMBER = """
pid_file = server.folder / "postmaster.pid"
lines = pid_file.read_text().splitlines()
server.stop()
pid_file.write_text("\\n".join([str(os.getppid()), *lines[1:]]) + "\\n")
found["noticed"] = not server.is_running()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="uses Linux's own idea of process 1")
@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    "dies",
    [
        pytest.param(_KILLED, id="killed"),
        pytest.param(_LIKE_PROCESS_1, id="killed under a supervisor that is process 1"),
        pytest.param(_ANOTHERS_NUMBER, id="its number is another program's after a power cut"),
    ],
)
def test_a_database_that_died_is_noticed_and_comes_back_with_what_it_had(dies: str, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    run = subprocess.run(
        [sys.executable, "-c", _BEGIN + dies + _END, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout) == {"noticed": True, "comes back with": 7}
