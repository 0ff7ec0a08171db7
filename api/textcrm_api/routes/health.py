"""Health, readiness, metrics, and the list of problems."""

from __future__ import annotations

from fastapi.responses import Response

from textcrm import __version__
from textcrm.errors import TextcrmError
from textcrm.operations.work.stream import lag
from textcrm_api import metrics
from textcrm_api.answers import CheckOut, HealthOut, ProblemKindOut, ProblemKindsOut, ReadyOut
from textcrm_api.gate import needs, public
from textcrm_api.problems import KINDS, ProblemError
from textcrm_api.routes import router as common
from textcrm_api.service import Service, ServiceDep

router = common.make("health")


@router.get("/healthz", **public())
async def health() -> HealthOut:
    """Return that the process lives. Asks nobody else."""
    return HealthOut(status="ok", version=__version__)


@router.get("/readyz", **public())
def ready(service: ServiceDep) -> ReadyOut:
    """Return whether database and models can answer and the work keeps up, and how many messages wait for analysis.

    Not ready: the oldest new message waits for 5 minutes, or for half of what the oplog reaches back.
    """
    checks = [_database(service), _models(service)]
    if checks[0].ok:
        checks.append(_lag(service))
    if not all(check.ok for check in checks):
        failing = "; ".join(f"{check.name}: {check.detail}" for check in checks if not check.ok)
        raise ProblemError("not_ready", failing + ".", headers={"Retry-After": "2"})
    return ReadyOut(status="ready", checks=checks, waiting=sum(service.store.messages.count_waiting().values()))


def _database(service: Service) -> CheckOut:
    try:
        service.store.ping()
    except TextcrmError as error:
        return CheckOut(name="database", ok=False, detail=error.what)
    return CheckOut(name="database", ok=True, detail="")


def _models(service: Service) -> CheckOut:
    alive, waiting = service.models.batcher.alive, service.models.batcher.waiting
    return CheckOut(name="models", ok=alive, detail=f"{waiting} texts wait" if alive else "their thread has ended")


def _lag(service: Service) -> CheckOut:
    now = lag(service.store)
    share = "" if now.share is None else f", {now.share:.0%} of what the oplog reaches back"
    return CheckOut(name="lag", ok=now.ready, detail=f"the oldest message waits for {now.seconds:.0f} seconds{share}")


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}}, **needs("read"))
def get_metrics(service: ServiceDep) -> Response:
    """Return what the service counts, for Prometheus."""
    text = service.metrics.text(service.store.messages.counts(), lag(service.store))
    return Response(text, media_type=metrics.CONTENT_TYPE)


@router.get("/problems", **public())
async def list_problems() -> ProblemKindsOut:
    """List the codes that problems carry."""
    return ProblemKindsOut(
        items=[ProblemKindOut(code=code, status=kind.status, title=kind.title) for code, kind in KINDS.items()]
    )
