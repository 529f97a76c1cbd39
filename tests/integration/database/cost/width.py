"""What a step costs by how many it depends on."""

from __future__ import annotations

from integration.database.cost.calls import USER_ID
from integration.database.cost.pages import Arguments, Case, touched_for_good
from integration.database.cost.place import Place
from integration.database.sessions import LEASE, WORKER_ID, Session, key
from registered_flows import step

NARROW, WIDE = 30, 300
Costs = dict[str, int]


async def of_width(here: Place, session: Session, width: int) -> Costs:
    """The pages of starting so many steps, completing all at once, and giving out their outputs."""
    slug = f"wide_{width}"
    parts = [step(f"part{n}") for n in range(width)]
    version = await session.register(slug, *parts, step("sum", *(f"part{n}" for n in range(width))))
    await here.analyze()

    async def completed(session: Session) -> Arguments:
        await session.start(slug, USER_ID)
        leased = await session.claim(version, width)
        return [WORKER_ID, [key(each, output={"n": 1}) for each in leased], LEASE, [], [], 0]

    async def ready(session: Session) -> Arguments:
        await session.complete((await completed(session))[1])
        return [WORKER_ID, ["default"], [version], LEASE, 1]

    async def nothing(_: Session) -> Arguments:
        return [USER_ID, slug, {}]

    cases = [
        Case("start", nothing, "select tidewire.start_run_for($1, $2, $3)"),
        Case(
            "complete", completed, "select * from tidewire.complete_steps($1, $2, $3, $4, $5, $6)"
        ),
        Case("inputs", ready, "select * from tidewire.claim_steps($1, $2, $3, $4, $5)"),
    ]
    return {case.name: await touched_for_good(session, case) for case in cases}
