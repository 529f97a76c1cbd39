"""Documents inside a prompt, between markers that a model can cite by number."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_MARKED: Final = re.compile(
    r'<document number="(?P<number>\d+)" title="(?P<title>[^"\n]*)">\n(?P<text>.*?)\n</document>',
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a prompt; cited as [number]."""

    number: int
    title: str
    text: str


def write_documents(documents: Sequence[Document]) -> str:
    """Return the documents as prompt text that `read_documents` reads back.

    A document cannot end its own markers: the closing one is defused inside its text.
    """
    return "\n".join(
        f'<document number="{d.number}" title="{_one_line(d.title)}">\n'
        f"{d.text.replace('</document', '< /document')}\n</document>"
        for d in documents
    )


def read_documents(prompt: str) -> list[Document]:
    """Return the documents in `prompt`, in order of appearance."""
    return [
        Document(int(found["number"]), found["title"], found["text"])
        for found in _MARKED.finditer(prompt)
    ]


def without_documents(prompt: str) -> str:
    """Return `prompt` without its documents."""
    return _MARKED.sub("", prompt).strip()


def _one_line(title: str) -> str:
    return " ".join(title.replace('"', "'").split())
