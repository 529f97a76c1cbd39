"""The programs that `tidewire dev` runs beside the stack, and their environment."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from tidewire.local.ports import HOST
from tidewire.local.process import Program
from tidewire.local.project import Project
from tidewire.settings import Settings

OFFLINE_MODEL = "offline"


@dataclass(frozen=True, slots=True)
class Target:
    """The Supabase project to develop against: the embedded stack or another."""

    api_url: str
    db_url: str
    publishable_key: str
    secret_key: str

    def environment(self) -> dict[str, str]:
        return {
            "SUPABASE_URL": self.api_url,
            "SUPABASE_PUBLISHABLE_KEY": self.publishable_key,
            "SUPABASE_SECRET_KEY": self.secret_key,
            "DATABASE_URL": self.db_url,
        }


@dataclass(frozen=True, slots=True)
class Model:
    """The language model that the worker uses, and what the page calls it."""

    label: str
    environment: dict[str, str]


def chosen_model(project: Project, settings: Settings) -> Model | None:
    """Return the model that the environment names; None: no model can be reached from here."""
    if settings.openai_api_key is None and settings.openai_base_url is None:
        return None
    named = settings.model or (None if project.model == OFFLINE_MODEL else project.model)
    return Model(named or "OpenAI", {"OPENAI_MODEL": named} if named else {})


def offline_model(port: int) -> Model:
    return Model(
        "offline demo model",
        {
            "OPENAI_BASE_URL": f"http://{HOST}:{port}/v1",
            "OPENAI_API_KEY": OFFLINE_MODEL,
            "OPENAI_MODEL": OFFLINE_MODEL,
        },
    )


def offline_model_program(port: int, logs: Path) -> Program:
    argv = [sys.executable, "-m", "tidewire.model.offline", "--host", HOST, "--port", str(port)]
    return Program("model", argv, logs / "model.log")


def seed_program(project: Project, target: Target, logs: Path) -> Program:
    assert project.seed is not None
    return Program(
        "seed",
        [sys.executable, "-m", project.seed],
        logs / "seed.log",
        {**target.environment(), **_python_path(project)},
        directory=project.folder,
    )


def worker_program(project: Project, target: Target, model: Model, logs: Path) -> Program:
    flows = [part for module in project.flows for part in ("--flows", module)]
    defaults = {
        "TIDEWIRE_LOG_JSON": "false",
        # Ctrl-C and a changed file should not wait for long answers: the next worker goes on.
        "TIDEWIRE_SHUTDOWN_SECONDS": "2",
    }
    chosen = {name: os.environ.get(name, value) for name, value in defaults.items()}
    return Program(
        "worker",
        [sys.executable, "-m", "tidewire.cli", "worker", *flows],
        logs / "worker.log",
        {**target.environment(), **_python_path(project), **chosen, **model.environment},
        directory=project.folder,
        grace=timedelta(seconds=10),
    )


def page_program(folder: Path, port: int, target: Target, model: Model, logs: Path) -> Program:
    config = {
        "url": target.api_url,
        "publishableKey": target.publishable_key,
        "modelLabel": model.label,
    }
    argv = [sys.executable, "-m", "tidewire.local.page", "--port", str(port)]
    return Program(
        "page",
        [*argv, "--folder", str(folder)],
        logs / "page.log",
        {"TIDEWIRE_PAGE_CONFIG": json.dumps(config)},
    )


def _python_path(project: Project) -> dict[str, str]:
    entries = [*map(str, project.python_path), os.environ.get("PYTHONPATH", "")]
    return {"PYTHONPATH": os.pathsep.join(entry for entry in entries if entry)}
