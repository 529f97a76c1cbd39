"""`tidewire dev`: a Supabase project, the worker and the page, from nothing to ready."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from rich.console import Console
from rich.text import Text
from watchfiles import PythonFilter, awatch

from tidewire.install.apply import apply_migrations
from tidewire.install.migration_files import packaged_folder, read_migrations
from tidewire.local.companion import Companion
from tidewire.local.dev_programs import (
    Model,
    Target,
    chosen_model,
    offline_model,
    offline_model_program,
    page_program,
    seed_program,
    worker_program,
)
from tidewire.local.foreground import started, step
from tidewire.local.log_follower import LogFollower, follow_log
from tidewire.local.ports import HOST, free_port
from tidewire.local.process import run_to_end
from tidewire.local.project import Project
from tidewire.local.stack import DEFAULT_PAGE_PORT, Stack
from tidewire.local.state import StateDirectory
from tidewire.local.summary import show_facts
from tidewire.local.supervision import keep_parts_running, keep_running
from tidewire.local.worker_ready import wait_until_registered
from tidewire.settings import Settings


class Development:
    """One run of `tidewire dev`.

    Everything it starts ends with it. With SUPABASE_URL, both keys and DATABASE_URL in the
    environment it works on that project and starts no Supabase of its own.
    """

    def __init__(
        self, project: Project, settings: Settings, stack: Stack, console: Console
    ) -> None:
        self._project = project
        self._settings = settings
        self._stack = stack
        self._console = console
        self._logs = stack.state / "logs"
        self._companions: list[Companion] = []
        self._worker_log: LogFollower | None = None
        self._embedded = external_target(settings) is None

    async def run(self) -> None:
        """Bring everything up, then keep it running until cancelled."""
        async with self._target() as (target, guards), AsyncExitStack() as running:
            await self._prepare_database(target, guards)
            model = await self._start_model(guards, running)
            worker = await self._start_worker(target, model, guards, running)
            page_url = await self._start_page(target, model, guards, running)
            self._summarize(target, model, page_url)
            await self._keep_running(worker)

    @asynccontextmanager
    async def _target(self) -> AsyncIterator[tuple[Target, tuple[int, ...]]]:
        """Yield the project to work on, and what guards inherit."""
        external = external_target(self._settings)
        if external is not None:
            state = StateDirectory(self._stack.state)
            await state.lock()
            try:
                yield external, (state.lock_descriptor,)
            finally:
                state.unlock()
            return
        stack = self._stack
        async with started(stack, self._console):
            target = Target(stack.api_url, stack.db_url, stack.publishable_key, stack.secret_key)
            yield target, stack.guard_descriptors

    async def _prepare_database(self, target: Target, guards: tuple[int, ...]) -> None:
        with step(self._console, "Migrating", done="migrations"):
            files = read_migrations(packaged_folder())
            applied = await apply_migrations(target.db_url, files)
        if self._project.seed is not None:
            program = seed_program(self._project, target, self._logs)
            with step(self._console, f"Seeding from {self._project.seed}", done="seed"):
                await run_to_end(program, inherited=guards)
        if applied and self._embedded:
            with step(self._console, "Restarting the API", done="API knows the new schema"):
                await self._stack.restart("api")

    async def _start_model(self, guards: tuple[int, ...], running: AsyncExitStack) -> Model:
        model = chosen_model(self._project, self._settings)
        if model is not None:
            return model
        port = free_port()
        companion = Companion(
            offline_model_program(port, self._logs),
            inherited=guards,
            health_url=f"http://{HOST}:{port}/health",
        )
        await self._start(companion, running, "Starting the offline model", "offline model")
        return offline_model(port)

    async def _start_worker(
        self, target: Target, model: Model, guards: tuple[int, ...], running: AsyncExitStack
    ) -> Companion | None:
        if not self._project.flows:
            self._warn("no worker: [tool.tidewire] of pyproject.toml names no flows")
            return None
        worker = Companion(
            worker_program(self._project, target, model, self._logs),
            inherited=guards,
            ready=lambda process: wait_until_registered(process, target.db_url),
        )
        self._worker_log = LogFollower(worker.program.log)
        await self._start(worker, running, "Starting the worker", "worker")
        return worker

    async def _start_page(
        self, target: Target, model: Model, guards: tuple[int, ...], running: AsyncExitStack
    ) -> str | None:
        folder = self._project.page_folder
        if folder is None:
            return None
        if not (folder / "index.html").is_file():
            self._warn(f"no page: {folder} is not built")
            return None
        port = free_port(DEFAULT_PAGE_PORT)
        page = Companion(
            page_program(folder, port, target, model, self._logs),
            inherited=guards,
            health_url=f"http://{HOST}:{port}/health",
        )
        await self._start(page, running, "Starting the page", "page")
        page_url = f"http://{HOST}:{port}"
        if self._embedded:
            self._stack.publish(page_url=page_url)
        return page_url

    async def _start(
        self, companion: Companion, running: AsyncExitStack, doing: str, done: str
    ) -> None:
        running.push_async_callback(companion.stop)
        with step(self._console, doing, done=done):
            await companion.start()
        self._companions.append(companion)

    def _summarize(self, target: Target, model: Model, page_url: str | None) -> None:
        facts = {"Page": page_url} if page_url else {}
        facts |= {
            "API URL": target.api_url,
            "Database URL": target.db_url,
            "Publishable key": target.publishable_key,
            "Secret key": target.secret_key,
            "Model": model.label,
        }
        show_facts(self._console, facts)

    async def _keep_running(self, worker: Companion | None) -> None:
        async with asyncio.TaskGroup() as tasks:
            if self._embedded:
                tasks.create_task(keep_parts_running(self._stack, self._warn))
            for companion in self._companions:
                tasks.create_task(
                    keep_running(
                        companion.program.name,
                        start=companion.start,
                        wait=companion.wait,
                        report=self._warn,
                    )
                )
            if worker is not None and self._worker_log is not None:
                tasks.create_task(follow_log(self._worker_log, self._show_worker_line))
                tasks.create_task(self._restart_on_change(worker))
            await asyncio.Event().wait()

    async def _restart_on_change(self, worker: Companion) -> None:
        """Stop the worker when a flow's file changes; it is started again like after a crash."""
        folders = [folder for folder in self._project.python_path if folder.is_dir()]
        async for changes in awatch(*folders, watch_filter=PythonFilter()):
            names = sorted({Path(path).name for _, path in changes})
            self._console.print(f"{', '.join(names)} changed: restarting the worker", style="dim")
            await worker.stop()

    def _warn(self, text: str) -> None:
        self._console.print(Text(text, style="yellow"))

    def _show_worker_line(self, line: str) -> None:
        self._console.print(Text.assemble(("worker ", "cyan"), line), soft_wrap=True)


def external_target(settings: Settings) -> Target | None:
    """Return the project that the environment names in full; None: start one."""
    url, database = settings.supabase_url, settings.database_url
    publishable, secret = settings.supabase_publishable_key, settings.supabase_secret_key
    if url is None or database is None or publishable is None or secret is None:
        return None
    return Target(
        url,
        database.get_secret_value(),
        publishable.get_secret_value(),
        secret.get_secret_value(),
    )
