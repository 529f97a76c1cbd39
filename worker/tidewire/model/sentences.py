"""Sentences of English prose, as technical documents write it."""

from __future__ import annotations

import re
from typing import Final

# A full stop ends a sentence when something that can begin one follows. An abbreviation does not.
_END: Final = re.compile(
    r"(?:(?<=[.!?])|(?<=[.!?][)\"\]\u201d\u2019]))(?<!\be\.g\.)(?<!\bi\.e\.)(?<!\bvs\.)(?<!\bcf\.)"
    r"\s+(?=[\"\u201c\u2018(*_\[]*[A-Z0-9_])"
)
_PARAGRAPH: Final = re.compile(r"\n\s*\n")
_HYPHENATED: Final = re.compile(r"(?<=\w)-\n\s*(?=\w)")
_BULLET: Final = re.compile(r"^(?:[*-]|\d{1,2}\.)\s+")
_WORD: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_ASKING: Final = """
a about all also an and any are as at be been by can could did do does done for from had has have
how i if in into is it its me my no not of on one or other s shall should so some such tell than
that the their them then there these they this to use used uses using was we were what when where
which while who whose why will with without work works would you your
"""
_STOP_WORDS: Final = frozenset(_ASKING.split())
# What is worth quoting is complete: a colon announces an example that would be missing.
_COMPLETE: Final = re.compile(r"[.!?][)\"\]\u201d\u2019]*$")


def split_sentences(text: str) -> list[str]:
    """Return the whole sentences of `text` in order, each on one line.

    Code, grammar and sentences that announce them are left out.
    """
    sentences: list[str] = []
    for paragraph in _PARAGRAPH.split(text):
        if paragraph.strip() and not _is_code(paragraph):
            line = " ".join(_HYPHENATED.sub("-", paragraph).split())
            sentences += _END.split(_BULLET.sub("", line))
    return [s for s in sentences if _WORD.search(s) and _COMPLETE.search(s)]


def last_sentence_start(text: str, *, at_least: int) -> int:
    """Return where the last sentence of `text` begins that leaves `at_least` characters."""
    starts = [0, *(end.end() for end in _END.finditer(text))]
    return max((start for start in starts if len(text) - start >= at_least), default=0)


def keywords(text: str) -> list[str]:
    """Return the words of `text` that say what it is about, in lower case, each once."""
    found = (word.strip("_") for word in _WORD.findall(text.lower()))
    return [word for word in dict.fromkeys(found) if word not in _STOP_WORDS]


def terms(text: str) -> list[str]:
    """Return all words of `text` as stems, so that the forms of a word are equal."""
    return [stem(word.strip("_")) for word in _WORD.findall(text.lower())]


def stem(word: str) -> str:
    """Return `word` without the commonest English endings, so that its forms meet."""
    for ending, rest in (("ies", "y"), ("sses", "ss"), ("ing", ""), ("ed", ""), ("es", "")):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)] + rest
            break
    else:
        if word.endswith("s") and not word.endswith("ss") and len(word) > 3:
            word = word[:-1]
    return word[:-1] if word.endswith("e") and len(word) > 3 else word


def _is_code(paragraph: str) -> bool:
    """Whether `paragraph` is an example, a grammar rule or a table rather than prose."""
    lines = [line for line in paragraph.splitlines() if line.strip()]
    if "::=" in paragraph or lines[0].lstrip().startswith((">>>", "+--", "|", "...")):
        return True
    if any(set(line.strip()) <= set("*=-~^+|") for line in lines):
        return True
    prose = len(re.findall(r"\b[a-z]{2,}\b", paragraph))
    symbols = len(re.findall(r"[=(){}\[\]<>:#@\\|]", paragraph))
    return lines[0].startswith("   ") and symbols * 3 > prose
