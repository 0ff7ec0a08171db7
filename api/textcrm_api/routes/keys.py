"""Keys: who may call, with what scopes."""

from __future__ import annotations

from datetime import timedelta

from textcrm_api import convert
from textcrm_api.answers import KeyOut, KeysOut, NewKeyOut, RotatedKeyOut
from textcrm_api.gate import needs, shown_once
from textcrm_api.routes import router as common
from textcrm_api.schemas import KeyIn, RotationIn
from textcrm_api.service import CallerDep, ServiceDep

router = common.make("keys")


@router.get("/v1/me", **needs("any"))
async def get_me(caller: CallerDep) -> KeyOut:
    """Return the key that this request carries."""
    return convert.key(caller)


@router.get("/v1/keys", **needs("admin"))
def list_keys(service: ServiceDep) -> KeysOut:
    """List all keys, newest first; never their secrets."""
    return KeysOut(items=[convert.key(key) for key in service.store.keys.list()])


@router.post("/v1/keys", status_code=201, **shown_once())
def create_key(body: KeyIn, service: ServiceDep) -> NewKeyOut:
    """Make a key. Its secret is in this answer and nowhere else."""
    secret, key = service.store.keys.create(
        body.name,
        scopes=body.scopes,
        expires_at=body.expires_at,
        per_second=body.per_second,
        per_day=body.per_day,
    )
    return NewKeyOut(key=convert.key(key), secret=secret)


@router.post("/v1/keys/{key_id}/rotate", status_code=201, **shown_once())
def rotate_key(key_id: common.PathId, body: RotationIn, service: ServiceDep) -> RotatedKeyOut:
    """Make a key in the place of another, by id or name, with its scopes and limits. The old one works on for a time.

    The secret is in this answer and nowhere else.
    """
    secret, key, old = service.store.keys.rotate(key_id, overlap=timedelta(hours=body.overlap_hours))
    service.gate.forget()
    return RotatedKeyOut(key=convert.key(key), secret=secret, old=convert.key(old))


@router.delete("/v1/keys/{key_id}", **needs("admin"))
def revoke_key(key_id: common.PathId, service: ServiceDep) -> KeyOut:
    """End a key, by id or name. It works for five seconds at most."""
    revoked = service.store.keys.revoke(key_id)
    service.gate.forget()
    return convert.key(revoked)
