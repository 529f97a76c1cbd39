"""What the steps of the research flow hand to each other."""

from __future__ import annotations

from pydantic import BaseModel


class Hit(BaseModel):
    """A passage that the full-text search found."""

    passage_id: int
    topic: str
    title: str
    content: str
    url: str | None = None


class RankedPassage(Hit):
    """A passage and how well it fits the question."""

    score: float


class Extract(BaseModel):
    """The sentences of one source that bear on the question. `number` is what answers cite."""

    number: int
    source_id: str
    title: str
    url: str | None = None
    sentences: list[str]


class Source(BaseModel):
    """Where an answer comes from."""

    number: int
    source_id: str
    title: str
    url: str | None = None


class Answer(BaseModel):
    """The run's output."""

    text: str
    sources: list[Source]
