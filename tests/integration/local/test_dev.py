"""`tidewire dev` brings a project from nothing to a page that is told where its stack is."""

from __future__ import annotations

import signal
from pathlib import Path

import asyncpg
import httpx

from integration.local.programs import all_end, family, published_facts, tidewire

PYPROJECT = """
[tool.tidewire]
path = ["worker"]
seed = "knowledge"
page = "dist"
"""
SEED = """
import asyncio, os, asyncpg

async def main():
    connection = await asyncpg.connect(os.environ["DATABASE_URL"])
    await connection.execute("create table if not exists public.facts (name text)")
    await connection.execute("insert into public.facts values ('seeded')")
    await connection.close()

asyncio.run(main())
"""


async def test_dev_migrates_seeds_and_serves_the_page(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    for name, text in {
        "worker/knowledge.py": SEED,
        "dist/index.html": "<title>Page</title>",
        "dist/assets/app-1a2b3c.js": "1",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    nothing = {"OPENAI_API_KEY": "unused", "TIDEWIRE_STATE": str(tmp_path / "state")}
    async with tidewire("dev", folder=tmp_path, environment=nothing) as program:
        facts = await published_facts(
            program, tmp_path / "state", until=lambda facts: "page_url" in facts
        )
        await check_page(facts["page_url"], facts["api_url"], facts["publishable_key"])
        await check_database(facts["db_url"])
        processes = family(program.pid)
        program.send_signal(signal.SIGINT)
        said, _ = await program.communicate()
        assert program.returncode == 0
        assert facts["page_url"] in said.decode()
        assert facts["db_url"] in said.decode()
        assert await all_end(processes)


async def check_page(page_url: str, api_url: str, publishable_key: str) -> None:
    async with httpx.AsyncClient(base_url=page_url) as client:
        page, config, script = [
            await client.get(path) for path in ("/", "/config.json", "/assets/app-1a2b3c.js")
        ]
    assert "Page" in page.text
    assert config.json() == {
        "url": api_url,
        "publishableKey": publishable_key,
        "modelLabel": "OpenAI",
    }
    assert page.headers["cache-control"] == config.headers["cache-control"] == "no-store"
    assert "immutable" in script.headers["cache-control"]


async def check_database(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        assert await connection.fetchval("select name from public.facts") == "seeded"
        assert await connection.fetchval("select count(*) from tidewire.schema_migrations") > 0
    finally:
        await connection.close()
