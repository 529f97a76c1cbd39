"""Takes the sentences out of passages that bear on the question."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Final

from flows.evidence import Extract, RankedPassage
from tidewire.model.sentences import split_sentences, terms

# The reference prints code between straight quotes, and quotations between curly ones.
_CODE: Final = re.compile(r'"([^"`]{1,80})"')


def extract_sentences(
    passages: Sequence[RankedPassage], wanted: Collection[str], *, most: int
) -> list[Extract]:
    """Return the telling sentences of each passage in the order of the text, code as in Markdown.

    A sentence tells something if it holds a word that is asked for, or follows one that does:
    then it is likely to be about the same thing. Passages without any are left out. Passages
    with one title and address are one source to a reader, so they become one extract.

    Args:
      passages: best first; the extracts are numbered in this order.
      wanted: the stems that are asked for.
      most: sentences to take from one passage.
    """
    extracts: dict[tuple[str, str | None], Extract] = {}
    for passage in passages:
        telling = _telling(split_sentences(passage.content), wanted)[:most]
        if not telling:
            continue
        extract = extracts.setdefault(
            (passage.title, passage.url),
            Extract(
                number=len(extracts) + 1,
                source_id=f"passage-{passage.passage_id}",
                title=passage.title,
                url=passage.url,
                sentences=[],
            ),
        )
        extract.sentences += [_CODE.sub(r"`\1`", sentence) for sentence in telling]
    return list(extracts.values())


def _telling(sentences: Sequence[str], wanted: Collection[str]) -> list[str]:
    holds = [not set(wanted).isdisjoint(terms(sentence)) for sentence in sentences]
    follows = [False, *holds]
    return [s for s, own, after in zip(sentences, holds, follows, strict=False) if own or after]
