"""UI-message chunks, as AI SDK 5 knows them: the entries of a run's log.

A constructor for each type. What is absent is left out, because readers refuse null; there are no
keys that the AI SDK does not know, because strict readers refuse those too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import orjson

from tidewire.errors import PayloadTooLarge
from tidewire.stream.text import storable

Chunk = dict[str, Any]
PartKind = Literal["text", "reasoning"]

# The database measures the chunk as jsonb text, which spaces its punctuation.
MOST_CHUNK_BYTES: Final = 256 * 1024
_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_OWN_NAMES: Final = frozenset({"progress", "reset", "sources", "partial-response", "child-run"})


def part_start(kind: PartKind, part_id: str) -> Chunk:
    return {"type": f"{kind}-start", "id": part_id}


def part_delta(kind: PartKind, part_id: str, delta: str) -> Chunk:
    return {"type": f"{kind}-delta", "id": part_id, "delta": delta}


def part_end(kind: PartKind, part_id: str) -> Chunk:
    return {"type": f"{kind}-end", "id": part_id}


def source_url(source_id: str, url: str, *, title: str | None = None) -> Chunk:
    return _present(type="source-url", sourceId=source_id, url=url, title=title)


def source_document(
    source_id: str, media_type: str, title: str, *, filename: str | None = None
) -> Chunk:
    return _present(
        type="source-document",
        sourceId=source_id,
        mediaType=media_type,
        title=title,
        filename=filename,
    )


def file(url: str, media_type: str) -> Chunk:
    return {"type": "file", "url": url, "mediaType": media_type}


def tool_input_start(call_id: str, tool: str, *, dynamic: bool | None = None) -> Chunk:
    return _present(type="tool-input-start", toolCallId=call_id, toolName=tool, dynamic=dynamic)


def tool_input_delta(call_id: str, delta: str) -> Chunk:
    return {"type": "tool-input-delta", "toolCallId": call_id, "inputTextDelta": delta}


def tool_input_available(
    call_id: str, tool: str, value: Any, *, dynamic: bool | None = None
) -> Chunk:
    return _present(
        type="tool-input-available", toolCallId=call_id, toolName=tool, dynamic=dynamic
    ) | {"input": value}


def tool_output_available(call_id: str, output: Any, *, preliminary: bool | None = None) -> Chunk:
    return _present(type="tool-output-available", toolCallId=call_id, preliminary=preliminary) | {
        "output": output
    }


def tool_output_error(call_id: str, error_text: str) -> Chunk:
    return {"type": "tool-output-error", "toolCallId": call_id, "errorText": error_text}


def data(name: str, value: Any, *, data_id: str | None = None, transient: bool = False) -> Chunk:
    """Return a data part. A later one of the same name and id replaces it.

    Raises:
      ValueError: `name` is not a name, or is one of tidewire's own.
    """
    if not _NAME.fullmatch(name) or name in _OWN_NAMES:
        raise ValueError(
            f"data name must match ^[a-z][a-z0-9_-]{{0,62}}$ and not be one of "
            f"{', '.join(sorted(_OWN_NAMES))}, got {name!r}"
        )
    chunk = _present(type=f"data-{name}", id=data_id, transient=transient or None)
    chunk["data"] = value
    return chunk


def sources(entries: Sequence[Mapping[str, Any]]) -> Chunk:
    return {"type": "data-sources", "id": "sources", "data": [dict(entry) for entry in entries]}


def progress(
    step: str, attempt: int, message: str, counts: Mapping[str, int] | None = None
) -> Chunk:
    """Return the entry that says how far a running step is; it updates in place."""
    state = _present(step=step, status="started", attempt=attempt, message=message)
    if counts is not None:
        state["counts"] = dict(counts)
    return {"type": "data-progress", "id": step, "data": state}


def reset(part_ids: Sequence[str]) -> Chunk:
    """Return the entry by which readers discard parts that will be done again."""
    return {"type": "data-reset", "data": {"parts": list(part_ids)}}


def message_metadata(metadata: Mapping[str, Any]) -> Chunk:
    return {"type": "message-metadata", "messageMetadata": dict(metadata)}


def checked(chunk: Mapping[str, Any]) -> Chunk:
    """Return `chunk` as it can be stored.

    Raises:
      ValueError: it has no type, or holds a value that is not JSON.
      PayloadTooLarge: it is over the size limit.
    """
    if not isinstance(chunk.get("type"), str):
        raise ValueError(f"chunk must have a type, got {chunk.get('type')!r}")
    stored = dict(chunk)
    try:
        encoded = orjson.dumps(stored)
        if b"\\u0000" in encoded:
            stored = storable(stored)
    except TypeError:
        # Lone surrogates are refused by the encoder; once mended, what remains is not JSON.
        stored = storable(stored)
        encoded = _encoded(stored)
    # Each comma and colon outside of texts gains one space in the database.
    size = len(encoded) + encoded.count(b",") + encoded.count(b'":')
    if size > MOST_CHUNK_BYTES and len(encoded) > MOST_CHUNK_BYTES * 3 // 4:
        raise PayloadTooLarge(
            f"chunk {stored['type']} must be at most {MOST_CHUNK_BYTES} bytes, got {size}"
        )
    return stored


def _encoded(chunk: Chunk) -> bytes:
    try:
        return orjson.dumps(chunk)
    except TypeError as error:
        raise ValueError(f"chunk {chunk['type']} must hold JSON: {error}") from error


def _present(**fields: Any) -> Chunk:
    return {name: value for name, value in fields.items() if value is not None}
