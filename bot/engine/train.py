"""Trains one model from `nlu_data/`, named by the hash of everything that shapes it.

Owns: main(), fingerprint().
May import: Rasa, through its public functions.
Start reading at: `main`.

    python -m bot.engine.train --out DIR
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bot.engine import quiet
from bot.engine.phrases import DataError, Phrase, read_phrases, write_rasa

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
KEPT = 2
_COMPONENTS = (
    "glance.py",
    "learnt.py",
    "meaning.py",
    "policy.py",
    "reader.py",
    "risk_reader.py",
    "second_reader.py",
    "understanding.py",
)


def main(arguments: list[str] | None = None) -> int:
    """Train, unless the model is there already. Returns the exit code."""
    options = _options(arguments)
    try:
        phrases = read_phrases(options.data, _intents())
    except DataError as error:
        print(error, file=sys.stderr)
        return 1
    name = fingerprint(options.data)
    model = options.out / f"{name}.tar.gz"
    if model.exists():
        # The newest model is the one that is served.
        model.touch()
        print(f"Model {model} is up to date.")
        return 0
    started = time.monotonic()
    print(f"Training model {name} from {len(phrases)} phrases.", flush=True)
    _train(phrases, options.out, name)
    _remove_older(options.out, model)
    print(f"Trained {model} in {time.monotonic() - started:.0f} s.")
    return 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bot.engine.train", description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "models", help="folder of models")
    parser.add_argument("--data", type=Path, default=ROOT / "nlu_data", help="folder of phrases")
    return parser.parse_args(arguments)


def fingerprint(data: Path) -> str:
    """SHA-256 (its first 16 digits) of everything that shapes the model."""
    digest = hashlib.sha256()
    for file in _ingredients(data):
        digest.update(str(file.relative_to(file.parents[1])).encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _ingredients(data: Path) -> Iterator[Path]:
    """Settings, the components that `config.yml` names and what they lean on, phrases, locked versions."""
    yield from (HERE / name for name in ("config.yml", "domain.yml", "stories.yml"))
    yield from (HERE / name for name in ("phrases.py", "requirements.lock"))
    yield from (HERE / "components" / name for name in _COMPONENTS)
    yield ROOT / "bot" / "flow" / "answers.py"
    yield from sorted(data.glob("*/*.yml"))
    yield from sorted((ROOT / "risk_data").glob("*.txt"))


def _intents() -> frozenset[str]:
    import yaml

    return frozenset(yaml.safe_load((HERE / "domain.yml").read_text())["intents"])


def _train(phrases: list[Phrase], out: Path, name: str) -> None:
    quiet.prepare()
    with tempfile.TemporaryDirectory() as work:
        os.environ["RASA_CACHE_DIRECTORY"] = str(Path(work) / "cache")
        from rasa.model_training import train

        nlu = write_rasa(phrases, Path(work) / "nlu.yml")
        stories = str(HERE / "stories.yml")
        train(
            domain=str(HERE / "domain.yml"),
            config=str(HERE / "config.yml"),
            training_files=[str(nlu), stories],
            output=work,
            fixed_model_name=name,
            force_training=True,
        )
        # Whoever looks into the folder finds a whole model or none.
        out.mkdir(parents=True, exist_ok=True)
        half = out / f"{name}.part"
        shutil.copy(Path(work) / f"{name}.tar.gz", half)
        half.replace(out / f"{name}.tar.gz")


def _remove_older(out: Path, newest: Path) -> None:
    models = sorted(out.glob("*.tar.gz"), key=lambda file: file.stat().st_mtime, reverse=True)
    for model in [model for model in models if model != newest][KEPT - 1 :]:
        model.unlink()


if __name__ == "__main__":
    sys.exit(main())
