"""What screening one message costs, with the shipped lexicons and with ten times as many entries.

Owns: the measurement, the made-up entries, the command line.
May import: `bot.conversation.screening`, the package escalation, this package.
Start reading at: `main`.

    python -m tests.bench.screening [--posts FILE.tsv] [--out FILE.json]

Each size is measured in a process of its own, on the same messages in the same order, each message
once: as a worker meets them, with whatever its caches then hold. Times are processor time of this
thread, so that what else the machine does counts little.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import json
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil
import yaml

from bot.conversation.screening import LEXICONS, load_screener, read_labelled
from tests.bench.report import percentile

CORPUS = Path(__file__).parents[1] / "escalation" / "corpus"
MOST_POSTS = 3000
TIMES = 10
LONGEST, MOST_GROWTH = 0.005, 1.3
_WORD = re.compile(r"<[^<>]*>|[^\W\d_]{4,}")
"""The words of a pattern that carry its meaning, and the names of word groups, which stay."""


def posts(path: Path | None) -> list[str]:
    """The messages to screen: the column "text" of a TSV file, or the labelled messages."""
    if path is None:
        return [item.text for file in sorted(CORPUS.glob("*.yml")) for item in read_labelled(file)]
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        texts = [row["text"] for row in rows]
    random.Random(1).shuffle(texts)
    return texts[:MOST_POSTS]


def enlarged(document: Mapping[str, Any], times: int) -> dict[str, Any]:
    """A lexicon with `times` as many entries: each again and again, with other words in it.

    A third of the other words are the lexicon's own, which people write as often as they write
    those; the rest are new to it. Its vocabulary grows threefold, about with the root of its length,
    as that of texts does (Heaps 1978).
    """
    entries = [{**entry, "patterns": _text(entry["patterns"])} for entry in document.get("entries", [])]
    own = sorted({word for entry in entries for word in _WORD.findall(entry["patterns"]) if word[0] != "<"})
    chance = random.Random(document["language"])
    words = [*own, *(_misspelt(word, own, chance) for word in own + own)]
    more = [_varied(entry, words, chance, number) for number in range(1, times) for entry in entries]
    return {**document, "entries": [*entries, *more]}


def _text(patterns: str | Sequence[str]) -> str:
    return patterns if isinstance(patterns, str) else "\n".join(patterns)


def _varied(entry: Mapping[str, Any], words: Sequence[str], chance: random.Random, number: int) -> dict[str, Any]:
    patterns = _WORD.sub(lambda word: word[0] if word[0][0] == "<" else chance.choice(words), entry["patterns"])
    return {**entry, "id": f"{entry['id']}.{number}", "patterns": patterns}


def _misspelt(word: str, words: Sequence[str], chance: random.Random) -> str:
    letters = list(word)
    for at in chance.sample(range(len(word)), 2):
        letters[at] = chance.choice(chance.choice(words))
    return "".join(letters)


@dataclasses.dataclass(frozen=True)
class Cost:
    """What screening took: seconds of processor, megabytes of memory."""

    phrases: int
    messages: int
    load: float
    memory: float
    p50: float
    p99: float
    longest: float
    mean: float

    def line(self) -> str:
        """As printed."""
        times = " ".join(
            f"{1000 * value:>8.2f}" for value in (self.mean, self.p50, self.p99, self.longest)
        )  # milliseconds
        return f"{self.phrases:>8} {self.messages:>9} {times} {self.load:>8.2f} {self.memory:>9.0f}"


HEAD = " phrases  messages  mean ms      p50      p99      max   load s memory MB"


def measure(texts: Sequence[str], times: int) -> Cost:
    """Load the lexicons, `times` as large, and screen each text once, in this process."""
    process = psutil.Process()
    with tempfile.TemporaryDirectory() as name:
        folder = LEXICONS if times == 1 else _enlarged_folder(Path(name), times)
        before, begun = process.memory_info().rss, time.process_time()
        screener = load_screener(folder)
        load = time.process_time() - begun
    took = []
    for text in texts:
        begun = time.thread_time()
        screener.assess(text)
        took.append(time.thread_time() - begun)
    memory = (process.memory_info().rss - before) / 2**20
    half, most = percentile(took, 0.5), percentile(took, 0.99)
    mean = statistics.fmean(took)
    return Cost(len(screener._phrases), len(texts), load, memory, half, most, max(took), mean)


def _enlarged_folder(folder: Path, times: int) -> Path:
    for path in LEXICONS.glob("*.yml"):
        document = enlarged(yaml.safe_load(path.read_text(encoding="utf-8")), times)
        (folder / path.name).write_text(json.dumps(document, ensure_ascii=False, default=str), encoding="utf-8")
    return folder


def main() -> int:
    """The exit code: 0 when all was measured, whatever the goals say."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.screening", description="What screening costs.")
    parser.add_argument("--posts", type=Path, help='everyday messages: a TSV file with a column "text"')
    parser.add_argument("--out", type=Path, help="write all numbers as JSON")
    parser.add_argument("--times", type=int, help="only this size, as JSON: how the measurement calls itself")
    given = parser.parse_args()
    if given.times:
        print(json.dumps(dataclasses.asdict(measure(posts(given.posts), given.times))))
        return 0
    costs = {times: _in_its_own_process(times, given.posts) for times in (1, TIMES)}
    print("\n".join(_lines(costs)))
    if given.out:
        given.out.write_text(json.dumps({times: dataclasses.asdict(cost) for times, cost in costs.items()}, indent=2))
    return 0


def _in_its_own_process(times: int, path: Path | None) -> Cost:
    command = [sys.executable, "-m", "tests.bench.screening", "--times", str(times)]
    command += ["--posts", str(path)] if path else []
    return Cost(**json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout))


def _lines(costs: Mapping[int, Cost]) -> Iterator[str]:
    yield f"lexicons{HEAD}"
    for times, cost in costs.items():
        yield f"{'shipped' if times == 1 else f'{times} x':<8}{cost.line()}"
    shipped, large = costs[1], costs[TIMES]
    yield _goal(f"p99 at most {1000 * LONGEST:.0f} ms", 1000 * shipped.p99, 1000 * LONGEST)
    yield _goal(f"{TIMES} x the entries at most {MOST_GROWTH} x the mean time", large.mean / shipped.mean, MOST_GROWTH)


def _goal(text: str, value: float, most: float) -> str:
    return f"{'reached' if value <= most else 'NOT REACHED':<13} {text}: {value:.2f}"


if __name__ == "__main__":
    sys.exit(main())
