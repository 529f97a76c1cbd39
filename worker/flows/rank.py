"""Ranks passages by what the question asks: rare words, words close together, varied topics."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from flows.evidence import Hit, RankedPassage
from flows.follow_up import subject
from tidewire.model.sentences import keywords, stem, terms

# Okapi BM25 with the constants that its authors found to do well on most collections.
_K1: Final = 1.2
_B: Final = 0.75
_TITLE_COUNTS_AS: Final = 3
_NEARBY: Final = 12
_SAME_TOPIC: Final = 0.8
_EARLIER_QUESTION: Final = 0.35


def question_weights(question: str, earlier: str | None = None) -> dict[str, float]:
    """Return the stems that are asked for, those of `earlier` with less weight.

    Args:
      question: what is asked now.
      earlier: the questions that it goes on from; None for a question that stands alone.
    """
    own = subject(question)
    if not own and earlier:  # "can you say more?": what it is about was all said before
        return dict.fromkeys(map(stem, subject(earlier)), 1.0)
    weights = dict.fromkeys(map(stem, own or keywords(question)), 1.0)
    for word in subject(earlier or ""):
        weights.setdefault(stem(word), _EARLIER_QUESTION)
    return weights


def rank(hits: Sequence[Hit], wanted: Mapping[str, float], quantity: int) -> list[RankedPassage]:
    """Return the best passages, best first.

    Args:
      hits: the candidates; how rare a word is, is judged among them.
      wanted: the stems that are asked for, with their weights.
      quantity: how many to return at most.
    """
    texts = [terms(hit.title) * _TITLE_COUNTS_AS + terms(hit.content) for hit in hits]
    rarity = _rarity(texts, wanted)
    average = sum(map(len, texts)) / len(texts) if texts else 0.0
    scored = [
        RankedPassage(
            **hit.model_dump(),
            score=_bm25(text, rarity, average) + _proximity(terms(hit.content), rarity),
        )
        for hit, text in zip(hits, texts, strict=True)
    ]
    return _varied([passage for passage in scored if passage.score > 0], quantity)


def _rarity(texts: Sequence[list[str]], wanted: Mapping[str, float]) -> dict[str, float]:
    found = Counter(term for text in texts for term in set(text))
    return {
        term: weight * math.log(1 + (len(texts) - found[term] + 0.5) / (found[term] + 0.5))
        for term, weight in wanted.items()
    }


def _bm25(text: Sequence[str], rarity: Mapping[str, float], average: float) -> float:
    counts = Counter(text)
    damping = _K1 * (1 - _B + _B * len(text) / average)
    return sum(
        weight * counts[term] * (_K1 + 1) / (counts[term] + damping)
        for term, weight in rarity.items()
        if counts[term]
    )


def _proximity(text: Sequence[str], rarity: Mapping[str, float]) -> float:
    """Return a bonus for each two different words that stand near each other, once a pair."""
    places = [(place, term) for place, term in enumerate(text) if term in rarity]
    nearest: dict[frozenset[str], int] = {}
    for (place, term), (next_place, next_term) in itertools.pairwise(places):
        distance = next_place - place
        if term != next_term and distance <= _NEARBY:
            pair = frozenset((term, next_term))
            nearest[pair] = min(distance, nearest.get(pair, distance))
    return sum(min(rarity[term] for term in pair) / distance for pair, distance in nearest.items())


def _varied(passages: Sequence[RankedPassage], quantity: int) -> list[RankedPassage]:
    """Return passages best first, each further one of a topic counting less than the last."""
    left = sorted(passages, key=lambda p: (-p.score, p.passage_id))
    chosen: list[RankedPassage] = []
    taken: Counter[str] = Counter()
    while left and len(chosen) < quantity:
        best = max(left, key=lambda p: (p.score * _SAME_TOPIC ** taken[p.topic], -p.passage_id))
        left.remove(best)
        taken[best.topic] += 1
        chosen.append(best.model_copy(update={"score": round(best.score, 3)}))
    return chosen
