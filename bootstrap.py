"""Builds what Harbour needs on a machine that has only Python: two environments and the model.

Owns: .venv (the application), bot/engine/.venv (the engine, Python 3.10), models/.
May import: the standard library; must at least start on any Python 3, to say which one it needs.
Start reading at: main().

    python3 bootstrap.py            everything that is missing or out of date
    python3 bootstrap.py --no-model environments only
"""

import glob
import hashlib
import os
import shutil
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.abspath(__file__))
UV_VERSION = "0.13.9"
APP = os.path.join(ROOT, ".venv")
ENGINE = os.path.join(ROOT, "bot", "engine", ".venv")
TOOLS = os.path.join(ROOT, ".cache", "uv")
LEAST_FREE = 6 * 1000**3
PROBE = "import sys; print('%d.%d' % sys.version_info[:2])"


def main():
    begun = time.time()
    try:
        app_python = _find("3.11", "3.12", "3.13")
        uv = _uv(app_python)
        _environment(uv, APP, app_python, "requirements.lock", "the application's environment", project=True)
        _environment(uv, ENGINE, _engine_python(uv), "bot/engine/requirements.lock", "the engine's environment")
        if "--no-model" not in sys.argv:
            _model()
    except _Stop as stop:
        sys.stderr.write("\n%s\n" % stop)
        return 1
    if time.time() - begun > 5:
        _say("ready after %d s" % (time.time() - begun))
    return 0


class _Stop(Exception):
    """One sentence that says what is wrong and what to do."""


def _say(text):
    sys.stdout.write("harbour: %s\n" % text)
    sys.stdout.flush()


def _version(python):
    """The "3.x" that this interpreter really is, or None if it does not run."""
    try:
        found = subprocess.run([python, "-c", PROBE], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=20)
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.decode().strip() if found.returncode == 0 else None


def _find(*versions):
    """An interpreter of one of these versions: this one, one on PATH, or one of pyenv's."""
    pyenv = os.environ.get("PYENV_ROOT") or os.path.expanduser("~/.pyenv")
    candidates = [sys.executable]
    for version in versions:
        named = shutil.which("python" + version)
        candidates += [named] if named else []
        candidates += sorted(glob.glob(os.path.join(pyenv, "versions", version + ".*", "bin", "python")))
    for candidate in candidates:
        if _version(candidate) in versions:
            return candidate
    if versions == ("3.10",):
        return None
    raise _Stop("Harbour needs Python 3.11 or newer (up to 3.13), and none was found: install it, or put it on PATH.")


def _engine_python(uv):
    """Python 3.10, which the conversation engine needs: found here, else installed by uv."""
    given = os.environ.get("HARBOUR_PYTHON310")
    if given:
        if _version(given) != "3.10":
            raise _Stop("HARBOUR_PYTHON310 is %s, which is no Python 3.10." % given)
        return given
    found = _find("3.10")
    if found:
        return found
    _say("installing Python 3.10 for the engine")
    done = subprocess.run([uv, "python", "install", "-q", "3.10"])
    if done.returncode != 0:
        raise _Stop(
            "The conversation engine needs Python 3.10; none was found and it could not be downloaded."
            " Install it (for example with pyenv), or set HARBOUR_PYTHON310 to it, and run this again."
        )
    return "3.10"


def _uv(python):
    """The package installer, in a small environment of its own."""
    uv = os.path.join(TOOLS, "bin", "uv")
    if os.path.exists(uv):
        return uv
    free = shutil.disk_usage(ROOT).free
    if free < LEAST_FREE:
        raise _Stop(
            "The disk is too full: %.1f GB are free here and about %.0f GB are needed. Make room and run this again."
            % (free / 1e9, LEAST_FREE / 1e9)
        )
    _say("first start: this takes a few minutes")
    made = subprocess.run([python, "-m", "venv", TOOLS], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    if made.returncode != 0:
        shutil.rmtree(TOOLS, ignore_errors=True)
        raise _Stop("%s cannot make environments: install its venv module (Debian: python3-venv)." % python)
    pip = [os.path.join(TOOLS, "bin", "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    _run(pip + ["uv==" + UV_VERSION], "The package installer uv could not be installed")
    return uv


def _environment(uv, folder, python, lock, name, project=False):
    """An environment that holds exactly what its lock file says; nothing is done if it already does."""
    path = os.path.join(ROOT, lock)
    with open(path, "rb") as opened:
        wanted = hashlib.sha256(opened.read()).hexdigest()
    stamp = os.path.join(folder, "lock.sha256")
    if os.path.exists(stamp) and open(stamp).read() == wanted:
        return
    _say("building %s" % name)
    begun = time.time()
    failed = "%s could not be built" % name.capitalize()
    if not os.path.exists(os.path.join(folder, "bin", "python")):
        _run([uv, "venv", "-q", "--python", python, folder], failed)
    target = os.path.join(folder, "bin", "python")
    _run([uv, "pip", "sync", "-q", "--python", target, "--require-hashes", path], failed)
    if project:
        _run([uv, "pip", "install", "-q", "--python", target, "--no-deps", "-e", ROOT], failed)
    with open(stamp, "w") as opened:
        opened.write(wanted)
    _say("%s is ready (%d s)" % (name, time.time() - begun))


def _model():
    """The engine's model, trained again only when its inputs changed."""
    environment = dict(
        os.environ,
        PYTHONPATH=ROOT,
        RASA_TELEMETRY_ENABLED="false",
        OMP_NUM_THREADS="1",
        PYTHONWARNINGS="ignore",
        TQDM_DISABLE="1",
    )
    python = os.path.join(ENGINE, "bin", "python")
    done = subprocess.run(
        [python, "-m", "bot.engine.train", "--out", os.path.join(ROOT, "models")], cwd=ROOT, env=environment
    )
    if done.returncode != 0:
        raise _Stop("The model could not be trained; the reason stands above.")


def _run(command, failed):
    done = subprocess.run(command, cwd=ROOT, stderr=subprocess.PIPE)
    if done.returncode == 0:
        return
    words = done.stderr.decode(errors="replace").strip()
    sys.stderr.write(words + "\n")
    if "No space left" in words:
        raise _Stop("The disk is full. Make room and run this again.")
    raise _Stop("%s; the reason stands above. Is the network there?" % failed)


if __name__ == "__main__":
    sys.exit(main())
