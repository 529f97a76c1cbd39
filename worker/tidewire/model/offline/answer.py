"""Composes an answer out of the sentences of the documents that were sent.

No generation takes place: the answer says what the documents say, with their numbers. It is a
function of the request, so that an answer that was cut off can be continued exactly.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tidewire.model.documents import Document
from tidewire.model.offline.conversation import Conversation
from tidewire.model.sentences import keywords, last_sentence_start, split_sentences, stem, terms

_WORDS_WANTED: Final = 260
_SENTENCE_WORDS: Final = range(5, 60)
_EARLIER_TURN_WEIGHT: Final = 0.35
_REPEATED_AT_LEAST: Final = 40
_NOTHING_FOUND: Final = (
    "The documents I was given say nothing about that, so I cannot answer the question from "
    "them. Try other words, or ask about something that the documents cover."
)


@dataclass(frozen=True, slots=True)
class _Candidate:
    document: int
    place: int
    text: str
    terms: Counter[str]


def compose(conversation: Conversation) -> str:
    """Return the whole answer; equal for equal questions and documents."""
    candidates = _candidates(conversation.documents)
    chosen = _choose(candidates, _weights(conversation, candidates))
    if not chosen:
        return _NOTHING_FOUND
    paragraphs = [f"Here is what the documents say about it, from {_sources(chosen)}."]
    for place, document in enumerate(conversation.documents):
        said = [candidate.text for candidate in chosen if candidate.document == place]
        if said:
            paragraphs.append(f"**{document.title}.** {' '.join(said)} [{document.number}]")
    return "\n\n".join(paragraphs)


def continue_answer(conversation: Conversation, *, repeat_last_sentence: bool = False) -> str:
    """Return what follows the partial answer, which may be empty.

    Args:
      conversation: the question, its documents and the partial answer.
      repeat_last_sentence: say the end of the partial answer again first, as models do that
        were not made to be continued.
    """
    whole, partial = compose(conversation), conversation.partial
    if whole.startswith(partial):
        rest = whole[len(partial) :]
    else:
        # Not our words so far: say what they lack.
        rest = "".join(f" {s}" for s in split_sentences(whole) if s not in partial)
    if repeat_last_sentence and partial:
        return partial[last_sentence_start(partial, at_least=_REPEATED_AT_LEAST) :] + rest
    return rest


def _candidates(documents: Sequence[Document]) -> list[_Candidate]:
    """Return the quotable sentences of the documents, each once."""
    seen: set[str] = set()
    candidates: list[_Candidate] = []
    for number, document in enumerate(documents):
        for place, sentence in enumerate(split_sentences(document.text)):
            if len(sentence.split()) in _SENTENCE_WORDS and sentence not in seen:
                seen.add(sentence)
                candidates.append(_Candidate(number, place, sentence, Counter(terms(sentence))))
    return candidates


def _weights(conversation: Conversation, candidates: Sequence[_Candidate]) -> dict[str, float]:
    """Return how much each word of the question counts: rare ones more, earlier turns less."""
    seen_in = Counter(term for candidate in candidates for term in candidate.terms)

    def rarity(term: str) -> float:
        return math.log(1 + len(candidates) / (1 + seen_in[term]))

    weights: dict[str, float] = {}
    turn_weight = 1.0
    for question in (conversation.question, *conversation.earlier_questions):
        for term in map(stem, keywords(question)):
            weights.setdefault(term, turn_weight * rarity(term))
        turn_weight *= _EARLIER_TURN_WEIGHT
    return weights


def _choose(candidates: Sequence[_Candidate], weights: dict[str, float]) -> list[_Candidate]:
    """Return the best sentences, enough for an answer, in the order of the documents."""

    def score(candidate: _Candidate) -> float:
        found = sum(weight for term, weight in weights.items() if term in candidate.terms)
        length = candidate.terms.total()
        # The documents come best first, and a short sentence says it more plainly.
        return found / (1 + 0.02 * length + 0.08 * candidate.document)

    # A sentence without any of the words may fill up, but only beside one that has some.
    relevant = {candidate.document for candidate in candidates if score(candidate)}
    ranked = sorted(
        (candidate for candidate in candidates if candidate.document in relevant),
        key=lambda c: (-score(c), c.document, c.place),
    )
    chosen: list[_Candidate] = []
    length = 0
    for candidate in ranked:
        if length >= _WORDS_WANTED:
            break
        chosen.append(candidate)
        length += len(candidate.text.split())
    return sorted(chosen, key=lambda c: (c.document, c.place))


def _sources(chosen: Sequence[_Candidate]) -> str:
    count = len({candidate.document for candidate in chosen})
    return "one document" if count == 1 else f"{count} documents"
