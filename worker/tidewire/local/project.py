"""What `[tool.tidewire]` of a project's pyproject.toml says about developing it."""

from __future__ import annotations

import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from tidewire.errors import ConfigurationError


class Project(BaseModel):
    """Paths are relative to the folder of pyproject.toml.

    Attributes:
      flows: modules that the worker imports flows from.
      path: folders that Python imports those modules from.
      seed: module that `python -m` runs after the migrations; fast when its data is there.
      page: folder of static files.
      model: language model to use when OPENAI_MODEL does not name one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    folder: Path
    flows: tuple[str, ...] = ()
    path: tuple[Path, ...] = (Path(),)
    seed: str | None = None
    page: Path | None = None
    model: str | None = None

    @property
    def python_path(self) -> list[Path]:
        return [(self.folder / entry).resolve() for entry in self.path]

    @property
    def page_folder(self) -> Path | None:
        return None if self.page is None else (self.folder / self.page).resolve()


def read_project(folder: Path) -> Project:
    """Return the project in `folder`; one without a pyproject.toml has no flows and no page.

    Raises:
      ConfigurationError: the table has an unknown key or a wrong value.
    """
    try:
        document = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    except FileNotFoundError:
        document = {}
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"pyproject.toml is not valid TOML: {error}") from error
    table = document.get("tool", {}).get("tidewire", {})
    try:
        return Project.model_validate({**table, "folder": folder})
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors()
        )
        raise ConfigurationError(f"[tool.tidewire] of pyproject.toml: {problems}") from error
