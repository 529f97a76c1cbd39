"""A continuation loses what it repeats, and nothing else."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tidewire.model.overlap import MINIMUM, OverlapTrimmer


def overlap(written: str, continuation: str, *, window: int, minimum: int) -> int:
    """The definition, read off the text: the longest suffix that is a prefix and long enough."""
    for length in range(min(len(written), len(continuation), window), 0, -1):
        suffix = written[-length:]
        long_enough = len("".join(suffix.split())) >= minimum
        is_all = length == len(written) and suffix.strip() != ""
        if continuation.startswith(suffix) and (long_enough or is_all):
            return length
    return 0


def pieces(text: str, cuts: list[int]) -> list[str]:
    edges = [0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    return [text[start:end] for start, end in itertools.pairwise(edges)]


def trim(written: str, deltas: list[str], *, window: int = 4096, minimum: int = MINIMUM) -> str:
    trimmer = OverlapTrimmer(written, window=window, minimum=minimum)
    passed = "".join(trimmer.feed(delta) for delta in deltas)
    return passed + trimmer.finish()


# Two letters and white space repeat themselves often, which is where mistakes would be.
texts = st.text("ab \n", max_size=24)
cuts = st.lists(st.integers(0, 100), max_size=6)


@given(texts, texts, cuts, st.integers(1, 5), st.integers(1, 12))
@example("ab", "ab", [1], 4, 12)
def test_what_is_removed_is_the_longest_overlap_however_it_is_cut(
    written: str, continuation: str, at: list[int], minimum: int, window: int
) -> None:
    removed = overlap(written, continuation, window=window, minimum=minimum)
    passed = trim(written, pieces(continuation, at), window=window, minimum=minimum)
    assert passed == continuation[removed:]


@given(texts, texts, st.integers(1, 5))
def test_text_is_held_back_only_while_an_overlap_is_possible(
    written: str, continuation: str, minimum: int
) -> None:
    trimmer = OverlapTrimmer(written, minimum=minimum)
    passed = ""
    for end, letter in enumerate(continuation, start=1):
        passed += trimmer.feed(letter)
        so_far = continuation[:end]
        possible = any(
            written[start:].startswith(so_far) and len(written) - start > end
            for start in range(len(written))
        )
        removed = overlap(written, so_far, window=4096, minimum=minimum)
        assert possible or len(passed) + removed == end


SENTENCE = "The context manager's exit method is invoked."


@pytest.mark.parametrize(
    ("written", "continuation", "passed"),
    [
        (f"Yes. {SENTENCE}", f"{SENTENCE} Then it ends.", " Then it ends."),
        ("Yes. The context manager's ex", "The context manager's exit method", "it method"),
        ("I sang New York, ", "New York, as they say", "New York, as they say"),
        ("if a:\n        }\n        }\n", "        }\n    }", "        }\n    }"),
        ("very very very ", "very good", "very good"),
        ("Here", "Here is more", " is more"),
        ("", "Here is more", "Here is more"),
        ("  ", "  code", "  code"),
        (SENTENCE, "Another sentence.", "Another sentence."),
    ],
)
def test_repeated_sentences_go_and_short_repeats_stay(
    written: str, continuation: str, passed: str
) -> None:
    assert trim(written, list(continuation)) == passed


def test_repetition_that_breaks_off_is_passed_on_at_the_end() -> None:
    trimmer = OverlapTrimmer(f"Yes. {SENTENCE}")
    assert trimmer.feed(SENTENCE[:20]) == ""
    assert trimmer.finish() == SENTENCE[:20]
    assert trimmer.finish() == ""
