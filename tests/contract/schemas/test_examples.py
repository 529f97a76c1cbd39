"""The schemas of `transport_spec` accept the valid examples and refuse the invalid ones."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

SPEC = Path(__file__).parents[3] / "transport_spec"
SCHEMAS: dict[str, dict[str, Any]] = {
    path.name.removesuffix(".schema.json"): json.loads(path.read_text())
    for path in sorted((SPEC / "schemas").glob("*.schema.json"))
}
REGISTRY: Registry[Any] = Registry().with_resources(
    (schema["$id"], Resource.from_contents(schema)) for schema in SCHEMAS.values()
)


def examples(kind: str) -> list[Path]:
    return sorted((SPEC / "examples" / kind).glob("*.json"))


def validator_for(example: Path) -> Draft202012Validator:
    return Draft202012Validator(SCHEMAS[example.name.split(".")[0]], registry=REGISTRY)


def properties_of(schema: Any, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every property in a schema and its nested objects, with where it stands."""
    if not isinstance(schema, dict):
        return
    for name, prop in schema.get("properties", {}).items():
        yield f"{path}.{name}", prop
        yield from properties_of(prop, f"{path}.{name}")
    yield from properties_of(schema.get("items"), f"{path}[]")


@pytest.mark.parametrize("name", SCHEMAS)
def test_each_schema_is_valid_and_described(name: str) -> None:
    schema = SCHEMAS[name]
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"urn:tidewire:schema:{name}"
    assert schema["description"].endswith(".")
    undescribed = [
        path for path, prop in properties_of(schema, name) if not {"description", "$ref"} & {*prop}
    ]
    assert undescribed == []


@pytest.mark.parametrize("name", SCHEMAS)
def test_each_message_refuses_unknown_keys(name: str) -> None:
    schema = SCHEMAS[name]
    assert "oneOf" in schema or "properties" in schema
    assert "properties" not in schema or schema["additionalProperties"] is False


@pytest.mark.parametrize("name", SCHEMAS)
def test_each_schema_has_an_example_and_a_counter_example(name: str) -> None:
    for kind in ("valid", "invalid"):
        assert any(path.name.split(".")[0] == name for path in examples(kind)), kind


@pytest.mark.parametrize("example", examples("valid"), ids=lambda path: path.stem)
def test_valid_example_is_accepted(example: Path) -> None:
    validator_for(example).validate(json.loads(example.read_text()))


@pytest.mark.parametrize("example", examples("invalid"), ids=lambda path: path.stem)
def test_invalid_example_is_refused(example: Path) -> None:
    assert not validator_for(example).is_valid(json.loads(example.read_text()))
