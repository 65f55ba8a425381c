"""A report tells how the screening does, and never what one person wrote."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from escalation.feedback import COLUMNS, hidden, table

LEAST = 5


def told(
    counts: Mapping[tuple[str, str, str], Mapping[str, int]], least: int = LEAST
) -> dict[tuple[str, ...], list[str]]:
    """The cells of each line, by its first words."""
    lines = [line.split() for line in list(table(counts, least))[1:]]
    return {tuple(line[: -len(COLUMNS)]): line[-len(COLUMNS) :] for line in lines}


def alerts(*cells: tuple[str, str, int]) -> dict[tuple[str, str, str], dict[str, int]]:
    return {(language, category, "3.2-3"): {"alerts": count} for language, category, count in cells}


def test_what_is_large_enough_is_told_with_its_sums() -> None:
    counts = {
        ("es", "R1", "3.2-3"): {"alerts": 20, "confirmed": 9, "false": 6, "missed": 5},
        ("es", "R3", "3.2-3"): {"alerts": 7},
        ("fr", "R1", "3.2-3"): {"alerts": 30, "missed": 11},
    }
    assert told(counts) == {
        ("es", "R1", "3.2-3"): ["20", "9", "6", "5"],
        ("es", "R3", "3.2-3"): ["7", "0", "0", "0"],
        ("es", "all"): ["27", "9", "6", "5"],
        ("fr", "R1", "3.2-3"): ["30", "0", "0", "11"],
        ("fr", "all"): ["30", "0", "0", "11"],
        ("all",): ["57", "9", "6", "16"],
    }


def test_a_small_number_takes_the_smallest_other_along_so_that_the_sum_does_not_tell_it() -> None:
    found = told(alerts(("es", "R1", 40), ("es", "R2", 3), ("es", "R3", 8), ("fr", "R1", 50)))
    assert [found["es", one, "3.2-3"][0] for one in ("R1", "R2", "R3")] == ["40", "·", "·"]
    assert found["es", "all"][0] == "51" and found["all",][0] == "101"


def test_two_small_numbers_that_the_sum_would_tell_take_another_along() -> None:
    found = told(alerts(("es", "R1", 40), ("es", "R2", 1), ("es", "R3", 1)))
    assert {found["es", one, "3.2-3"][0] for one in ("R1", "R2", "R3")} == {"·"}, "a sum of 2 would tell both"
    assert found["es", "all"][0] == "42"


def test_a_small_number_alone_in_its_language_hides_the_language_and_another_one() -> None:
    found = told(alerts(("es", "R1", 2), ("fr", "R1", 50), ("uk", "R1", 60)))
    assert found["es", "R1", "3.2-3"][0] == found["es", "all"][0] == found["fr", "all"][0] == "·"
    assert found["uk", "all"][0] == "60" and found["all",][0] == "112"


def test_a_sum_that_is_left_out_does_not_follow_from_its_parts() -> None:
    found = told(alerts(("es", "R1", 2), ("fr", "R1", 50), ("fr", "R2", 9), ("uk", "R1", 60)))
    assert found["fr", "R1", "3.2-3"][0] == "50" and found["fr", "R2", "3.2-3"][0] == "·"


def test_with_one_small_number_in_all_nothing_is_told() -> None:
    found = told(alerts(("es", "R1", 2)))
    assert {cells[0] for cells in found.values()} == {"·"}


@given(st.lists(st.integers(0, 30), max_size=6), st.integers(1, 8))
def test_what_is_left_out_is_never_small_together_nor_alone(counts: list[int], least: int) -> None:
    out, sum_too = hidden(counts, least)
    assert {at for at, count in enumerate(counts) if 0 < count < least} <= out
    if out and not sum_too:
        assert len(out) >= 2
        assert sum(counts[at] for at in out) >= least
    if not out:
        assert not sum_too


_TABLES = st.dictionaries(
    st.tuples(st.sampled_from(["es", "fr", "uk"]), st.sampled_from(["R1", "R2", "R3"]), st.just("3.2-3")),
    st.fixed_dictionaries({"alerts": st.integers(0, 14)}),
    max_size=9,
)


@given(_TABLES)
def test_no_hidden_number_can_be_reckoned_from_what_is_told(
    counts: dict[tuple[str, str, str], dict[str, int]],
) -> None:
    """By subtracting, over and over, whatever sum has but one part that is not known."""
    found = {key: cells[0] for key, cells in told(counts).items()}
    known = {key: int(cell) for key, cell in found.items() if cell != "·"}
    sums = {(language, "all"): [key for key in counts if key[0] == language] for language, _, _ in counts}
    everything = {**sums, ("all",): list(sums)}
    for _ in range(4):
        for whole, parts in everything.items():
            line = [whole, *parts]
            unknown = [key for key in line if key not in known]
            if len(unknown) == 1 and parts:
                rest = sum(known[part] for part in parts if part in known)
                known[unknown[0]] = rest if unknown[0] == whole else known[whole] - rest
    for key, cell in counts.items():
        if found[key] == "·":
            assert key not in known
        assert not (0 < cell["alerts"] < LEAST and key in known)
