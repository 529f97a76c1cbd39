"""What a claim costs as the line before it and the history behind it grow."""

from __future__ import annotations

from dataclasses import dataclass

from integration.database.cost.calls import USER_ID
from integration.database.cost.pages import Arguments, Case, touched
from integration.database.cost.place import Place
from integration.database.sessions import LEASE, WORKER_ID, Session, key
from registered_flows import step

BASE = "1,500 queued, analyzed"
# Among 1,000,000 finished steps, with plans or statistics of the time when tables were tiny.
STATES = [
    "100,000 queued, planned when tiny",
    "100,000 queued, statistics of tiny tables",
    "100,000 more of versions that the worker lacks",
    "the same, planned when tiny",
    "the same, analyzed",
]
# Numbers of copied runs. A finished one has ten steps, a queued one has one.
TINY, FINISHED, TINY_LINE, LINE = (
    range(50),
    range(50, 100_000),
    range(100_000, 100_050),
    range(100_050, 200_000),
)
OTHERS = range(200_000, 300_000)
BASE_LINE = range(1_500)
Costs = dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True)
class Line:
    """What waits to be claimed: runs that are copied, and claims that find them or find none."""

    here: Place
    finished: str
    queued: str
    others: str
    full: Case
    empty: Case

    @classmethod
    async def arrange(cls, here: Place, session: Session) -> Line:
        ten = await session.register("ten", *(step(f"s{n}") for n in range(10)))
        one = await session.register("one", step("only"))
        await session.register("other", step("only"))
        finished = await session.start("ten", USER_ID)
        leased = await session.claim(ten, 10)
        await session.complete([key(each, output=1) for each in leased])
        queued, others = [await session.start(flow, USER_ID) for flow in ("one", "other")]
        await here.crowd.add_users()
        # A worker has more versions than have something to do.
        return cls(here, finished, queued, others, _claim([one, ten]), _claim([ten, "gone"]))

    async def add(self, run_id: str, copies: range) -> None:
        await self.here.crowd.copy_run(run_id, copies, steps_alone=True)

    async def cost(self, session: Session) -> dict[str, int]:
        full, empty = await touched(session, self.full), await touched(session, self.empty)
        return {"full": full, "empty": empty}

    async def cost_afresh(self) -> dict[str, int]:
        async with self.here.session() as session:
            return await self.cost(session)


async def short_line(here: Place, session: Session) -> Costs:
    """The cost of a claim of 20 among 1,500 queued steps, and of one that finds none."""
    line = await Line.arrange(here, session)
    await line.add(line.queued, BASE_LINE)
    await here.analyze()
    return {BASE: await line.cost_afresh()}


async def long_lines(here: Place, old: Session) -> Costs:
    """The same in each of the states. `old` plans its claims while there is hardly anything."""
    line = await Line.arrange(here, old)
    await line.add(line.finished, TINY)
    await line.add(line.queued, TINY_LINE)
    await here.analyze()
    for _ in range(3):
        await line.cost(old)
    await line.add(line.finished, FINISHED)
    await line.add(line.queued, LINE)
    found = [await line.cost(old), await line.cost_afresh()]
    await line.add(line.others, OTHERS)
    found += [await line.cost_afresh(), await line.cost(old)]
    await here.analyze()
    found += [await line.cost_afresh()]
    return dict(zip(STATES, found, strict=True))


async def held_back(here: Place, session: Session) -> tuple[int, int]:
    """The cost of a claim before and after 2,000 steps were done under a snapshot held open."""
    line = await Line.arrange(here, session)
    await line.add(line.queued, range(3_000))
    await here.analyze()
    before = await touched(session, line.full)
    async with here.session() as holder, holder.connection.transaction(isolation="repeatable_read"):
        await holder.value("select count(*) from public.flow_runs")
        for _ in range(100):
            worker, queues, versions, lease, quantity = await line.full.arrange(session)
            leased = await session.call("claim_steps", worker, queues, versions, lease, quantity)
            items = [key(r["detail"], output=1) for r in leased if r["answer"] == "claimed"]
            await session.complete(items)
        return before, await touched(session, line.full)


def _claim(versions: list[str]) -> Case:
    async def arguments(_: Session) -> Arguments:
        return [WORKER_ID, ["default"], versions, LEASE, 20]

    return Case("claim", arguments, "select * from tidewire.claim_steps($1, $2, $3, $4, $5)")
