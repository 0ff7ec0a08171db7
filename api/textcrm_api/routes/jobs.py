"""Jobs: much analysed anew, by the worker."""

from __future__ import annotations

from fastapi import Response

from textcrm.operations.work.jobs import Progress, cancel_job, job_progress, start_job
from textcrm_api.answers import JobFilterOut, JobOut, JobsOut
from textcrm_api.gate import needs
from textcrm_api.routes import router as common
from textcrm_api.schemas import JobIn
from textcrm_api.service import CallerDep, ServiceDep

router = common.make("jobs")


@router.post("/v1/jobs", status_code=202, **needs("write"))
def create_job(body: JobIn, service: ServiceDep, caller: CallerDep, response: Response) -> JobOut:
    """Have messages analysed anew, all or those that fit. The worker does it behind everything that is new."""
    given = body.model_dump(exclude={"since", "until", "stale"}, exclude_none=True)
    standing = [line.fingerprint for line in service.engine.lines.values()] if body.stale else []
    begun = start_job(
        service.store, by=f"key:{caller.id}", filters=given, since=body.since, until=body.until, standing=standing
    )
    response.headers["Location"] = f"/v1/jobs/{begun.job.id}"
    return _out(begun)


@router.get("/v1/jobs", **needs("read"))
def list_jobs(service: ServiceDep, limit: common.Limit = 50) -> JobsOut:
    """List jobs, newest first."""
    return JobsOut(items=[_out(job_progress(service.store, job)) for job in service.store.jobs.list(limit=limit)])


@router.get("/v1/jobs/{job_id}", **needs("read"))
def get_job(job_id: common.PathId, service: ServiceDep) -> JobOut:
    """Return how one job stands."""
    return _out(job_progress(service.store, service.store.jobs.get(job_id)))


@router.delete("/v1/jobs/{job_id}", **needs("write"))
def cancel(job_id: common.PathId, service: ServiceDep) -> JobOut:
    """End a job. What waits for it stays as it is; a job that has ended is a conflict."""
    return _out(cancel_job(service.store, job_id))


def _out(now: Progress) -> JobOut:
    job = now.job
    fields = {name: job.filters.get(name) for name in JobFilterOut.model_fields if name not in _OWN}
    return JobOut(
        id=job.id,
        state=job.state,
        filter=JobFilterOut(**fields, since=job.since, until=job.until, stale=bool(job.standing)),
        by=job.by,
        created_at=job.at,
        ended_at=job.ended_at,
        matched=job.matched,
        done=now.done,
        failed=now.failed,
        left=now.left,
        seconds_left=now.seconds_left,
    )


_OWN = ("since", "until", "stale")
