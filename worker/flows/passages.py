"""Cuts documents into passages: a few paragraphs of one section, short enough to quote from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from tidewire.model.sentences import split_sentences

_ENOUGH_WORDS: Final = 120
_MOST_WORDS: Final = 200
_FEWEST_WORDS: Final = 40
_UNDERLINE: Final = re.compile(r"([*=\-~^\"'+#])\1{2,}")
_SENTENCE_END: Final = re.compile(r"(?<=[.!?])\s+(?=[A-Z\"(])")
# A footnote begins with its mark; prose has the mark after a space, behind a word or a stop. Code
# in straight quotes is matched first, so that nothing inside it is taken for a mark.
_FOOTNOTE: Final = re.compile(r"^\s*\[\d{1,2}\]\s+(?=\S)")
_FOOTNOTE_MARK: Final = re.compile(
    r'(?P<code>"[^"]{1,120}")|(?:(?<=\.)\s+\[\d{1,2}\]\.?|(?<=[\w,;)"\u2019\u201d*])\s+\[\d{1,2}\])'
    r"(?=[\s.,;)]|$)"
)
_EMPHASIZED_NAME: Final = re.compile(r"(?<![\w*])\*([A-Za-z_][\w.]*)\*(?![\w*])")
# Shorter paragraphs ("For example:") are said in many places and belong in each.
_TELLING_LENGTH: Final = 60


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a topic. `title` names the topic and the section."""

    topic: str
    title: str
    content: str


@dataclass(slots=True)
class _Section:
    heading: str
    paragraphs: list[str] = field(default_factory=list)


def split_topics(topics: Mapping[str, str]) -> list[Passage]:
    """Return the passages of all topics, each paragraph once.

    Long topics include short ones. The short one is read first and keeps the paragraph, because
    its name says best what the paragraph is about.
    """
    seen: set[str] = set()
    passages: list[Passage] = []
    for topic in sorted(topics, key=lambda name: (len(topics[name]), name)):
        sections = _sections(topics[topic])
        for section in sections:
            fresh = [text for text in section.paragraphs if _is_new(text, seen)]
            title = sections[0].heading
            if section.heading != title:
                title = f"{title}: {section.heading}"
            if any(len(text) >= _TELLING_LENGTH for text in fresh):
                passages += [Passage(topic, title, content) for content in _pack(fresh)]
    return passages


def _sections(text: str) -> list[_Section]:
    """Return the sections of `text`, which are marked by underlined headings."""
    sections = [_Section("")]
    for block in re.split(r"\n\s*\n", text.strip("\n")):
        lines = block.splitlines()
        if len(lines) >= 2 and _UNDERLINE.fullmatch(lines[1].strip()):
            sections.append(_Section(_heading(lines[0])))
            block = "\n".join(lines[2:])
        if block.strip():
            sections[-1].paragraphs.append(_without_footnote_marks(block.rstrip()))
    return sections if sections[0].paragraphs or len(sections) == 1 else sections[1:]


def _heading(line: str) -> str:
    """Return the heading as plain text: titles are shown where no markup is read."""
    return _EMPHASIZED_NAME.sub(r"\1", line.strip().replace('"', ""))


def _without_footnote_marks(paragraph: str) -> str:
    """Return prose without marks like [1], which answers would pass on as citations of theirs.

    Code stays as it is: there [1] is a list or a subscript.
    """
    if not split_sentences(paragraph):
        return paragraph
    return _FOOTNOTE_MARK.sub(lambda m: m["code"] or "", _FOOTNOTE.sub("", paragraph))


def _is_new(paragraph: str, seen: set[str]) -> bool:
    said = " ".join(paragraph.split())
    if said in seen:
        return False
    if len(said) >= _TELLING_LENGTH:
        seen.add(said)
    return True


def _pack(paragraphs: list[str]) -> list[str]:
    """Return the paragraphs joined into passages of about the wanted length."""
    packed: list[list[str]] = [[]]
    for piece in _pieces(paragraphs):
        length = _length(packed[-1])
        if length >= _ENOUGH_WORDS or (length and length + len(piece.split()) > _MOST_WORDS):
            packed.append([])
        packed[-1].append(piece)
    if len(packed) > 1 and _length(packed[-1]) < _FEWEST_WORDS:
        remainder = packed.pop()
        packed[-1] += remainder
    return ["\n\n".join(pieces) for pieces in packed if pieces]


def _pieces(paragraphs: list[str]) -> Iterator[str]:
    """Yield the paragraphs, those that are too long in pieces of whole sentences."""
    for paragraph in paragraphs:
        if len(paragraph.split()) <= _MOST_WORDS:
            yield paragraph
            continue
        piece: list[str] = []
        for sentence in _SENTENCE_END.split(paragraph):
            if piece and _length(piece) + len(sentence.split()) > _MOST_WORDS:
                yield " ".join(piece)
                piece = []
            piece.append(sentence)
        yield " ".join(piece)


def _length(pieces: list[str]) -> int:
    return sum(len(piece.split()) for piece in pieces)
