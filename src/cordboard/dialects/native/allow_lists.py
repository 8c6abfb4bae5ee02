"""The native API's look at a trunk's list of addresses."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from cordboard.dialects.http import reply
from cordboard.dialects.native.operation import NativeOperation, read
from cordboard.dialects.native.trunk_wire import TrunkPath
from cordboard.dialects.native.trunks import visible
from cordboard.domain.allow_lists import Linted
from cordboard.domain.errors import NotForCaller
from cordboard.domain.tenants import Actor
from cordboard.domain.times import to_wire
from cordboard.domain.trunks import Trunk
from cordboard.usecases import allow_lists
from cordboard.usecases.access import Access
from cordboard.usecases.ports import Context


class FindingShown(BaseModel):
    """Something about the list; `severity` is `warning` or `note`, `networks` the entries that it is about."""

    code: str
    severity: str
    networks: list[str]
    summary: str
    remedy: str


class SeenShown(BaseModel):
    """A source that called a number of the trunk's in the last seven days and was not let in; `command` lets it in."""

    address: str
    refused: int
    last_seen: datetime
    command: str


class AllowListShown(BaseModel):
    """A trunk's list of addresses that calls come from, and what is to be said of it."""

    trunk_id: str
    allowed_addresses: list[str]
    findings: list[FindingShown]
    seen_but_not_allowed: list[SeenShown]


class AllowListViews:
    """Operations on lists of addresses."""

    def __init__(self, context: Context, access: Access) -> None:
        self._context = context
        self._access = access

    async def get(self, request: Request, who: Actor) -> Response:
        trunk = await visible(self._context.store, self._access, request, who)
        if trunk.system and not who.administrator:
            raise NotForCaller("the administrator")
        return reply(_shown(trunk, await allow_lists.look(self._context, trunk)))


def _shown(trunk: Trunk, listed: Linted) -> dict[str, Any]:
    return {
        "trunk_id": trunk.id,
        "allowed_addresses": trunk.allowed or (),
        "findings": [
            {
                "code": each.code,
                "severity": "warning" if each.warns else "note",
                "networks": each.networks,
                "summary": each.summary,
                "remedy": each.remedy,
            }
            for each in listed.findings
        ],
        "seen_but_not_allowed": [
            {
                "address": each.address,
                "refused": each.refused,
                "last_seen": to_wire(each.last_seen),
                "command": f"cordboard trunk allow {trunk.id} {each.address}",
            }
            for each in listed.seen
        ],
    }


def operations(views: AllowListViews) -> list[NativeOperation]:
    """Every operation on lists of addresses."""
    return [
        read(
            "GET /trunks/{trunk_id}/allow-list",
            "lint_allow_list",
            "Look at a trunk's list of addresses: what is wrong with it, and who calls and is not on it",
            views.get,
            AllowListShown,
            path_model=TrunkPath,
            permission="trunks.view",
        )
    ]
