"""Pages of imports: a file of numbers, and what became of each of its rows."""

import asyncio
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Any, Final

from starlette.datastructures import UploadFile
from starlette.responses import Response

from cordboard.console.api import Refused
from cordboard.console.forms import Field, Form
from cordboard.console.pages import Visit, page
from cordboard.console.parts import choices, listed, name_by_id, whose
from cordboard.domain.imports import COLUMNS, Outcome
from cordboard.usecases.import_files import MEDIA_TYPES, Piece, UnreadableFile, digest, format_of, pieces

#: Seconds between two tries at a store that is too busy, and how many there are.
PAUSE: Final = 0.5
TRIES: Final = 20
NEW: Final = Form(
    fields=(
        Field(
            name="on_conflict",
            label="A number that is there already",
            kind="select",
            options=(
                ("fail", "Is told, and stays as it is"),
                ("skip", "Is left out"),
                ("update", "Is changed to what its row says"),
            ),
        ),
        Field(name="trunk", label="Trunk of rows that name none", kind="select", absent_if_empty=True),
        Field(name="inbound_agent", label="Agent of rows that name none", kind="select", absent_if_empty=True),
        Field(
            name="outbound_agent",
            label="Agent that calls out by rows that name none",
            kind="select",
            absent_if_empty=True,
        ),
        Field(
            name="dry_run", label="Only check the file", kind="checkbox", help="Each row is told of, and none imported."
        ),
    )
)


async def show_list(visit: Visit) -> Response:
    if (tenant := visit.tenant) is None:
        return await whose(visit)
    found = await listed(visit, "list_imports", {"tenant_id": tenant})
    return await visit.show("imports/list.html", page=found, outcomes=tuple(Outcome))


async def new(visit: Visit) -> Response:
    if (tenant := visit.tenant) is None:
        return await whose(visit)
    return await _form_page(visit, tenant, NEW)


async def _form_page(visit: Visit, tenant: str, form: Form, status: int = 200) -> Response:
    agents = await choices(visit, "list_agents", none="Nobody", id="agent_id", tenant_id=tenant)
    trunks = await choices(visit, "list_trunks", none="One of its own each")
    form = form.choosing(trunk=trunks, inbound_agent=agents, outbound_agent=agents)
    since = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    return await visit.show("imports/new.html", status, form=form, columns=COLUMNS, since=since)


async def create(visit: Visit) -> Response:
    if (tenant := visit.tenant) is None:
        return await whose(visit)
    upload = visit.form.get("file")
    if not isinstance(upload, UploadFile) or not upload.filename:
        return await _form_page(visit, tenant, _wrong(visit, "Choose a file first."), 422)
    # a temporary file cannot be called whatever somebody calls one
    with NamedTemporaryFile(suffix=f".{format_of(Path(upload.filename))}") as file:
        await asyncio.to_thread(_copy, upload, file)
        try:
            return await _import(visit, tenant, Path(file.name))
        except UnreadableFile as error:
            problem = str(error).replace(file.name, upload.filename)
            return await _form_page(visit, tenant, _wrong(visit, problem), 422)
        except Refused as refused:
            return await _form_page(visit, tenant, NEW.again(visit.form, refused), refused.status)


def _copy(upload: UploadFile, file: IO[bytes]) -> None:
    shutil.copyfileobj(upload.file, file)
    file.flush()


def _wrong(visit: Visit, problem: str) -> Form:
    return NEW.again(visit.form, Refused(422, {"detail": problem}))


async def _import(visit: Visit, tenant: str, path: Path) -> Response:
    """Raises UnreadableFile and Refused if nothing of it was taken; what fails later is told with the import."""
    format, source = format_of(path), await asyncio.to_thread(digest, path)
    body = NEW.body(visit.form)
    await name_by_id(visit, body, trunk="trunk", inbound_agent="agent", outbound_agent="agent")
    body |= {"format": format, "source": source, "tenant_id": tenant}
    begun = await visit.api("begin_import", body=body)
    found: dict[str, Any] = begun.body
    to = f"/imports/{found['id']}"
    rows = pieces(path, format, start=found["position"], rows=found["max_rows"], own_trunks=found["max_own_trunks"])
    try:
        while (piece := await asyncio.to_thread(_following, rows)) is not None:
            found = await _send(visit, found["id"], piece, MEDIA_TYPES[format])
        end = Piece(position=found["position"], rows=0, body=b"", size=0)
        await _send(visit, found["id"], end, MEDIA_TYPES[format], last=True)
    except (UnreadableFile, Refused) as error:
        if found["position"] == 0:
            await visit.api("delete_import", import_id=found["id"])
            raise
        return visit.go(to, f"It stopped after {found['position']:,} rows: {error}")
    return visit.go(to, "The file is checked." if found["dry_run"] else "The file is done.")


def _following(rows: Iterator[Piece]) -> Piece | None:
    return next(rows, None)


async def _send(visit: Visit, id: str, piece: Piece, media_type: str, *, last: bool = False) -> dict[str, Any]:
    """The import after the piece; a store that is too busy is asked again. Raises Refused."""
    query = {"from": piece.position, "last": "true" if last else "false"}
    for attempt in range(1, TRIES + 1):
        try:
            answer = await visit.api("import_rows", query=query, text=(piece.body, media_type), import_id=id)
        except Refused as refused:
            if refused.status != HTTPStatus.SERVICE_UNAVAILABLE or attempt == TRIES:
                raise
            await asyncio.sleep(PAUSE)
        else:
            taken: dict[str, Any] = answer.body
            return taken
    raise AssertionError("the last attempt returns or raises")


async def progress(visit: Visit) -> Response:
    """How far the newest import is, for the page from which its file was sent: it stands there until all is done. One
    that was begun before the page was opened is another's."""
    found = (await visit.api("list_imports", query={"tenant_id": visit.tenant, "limit": 1})).body["data"]
    mine = found[0] if found and found[0]["created_at"] >= visit.query.get("since", "") else None
    return await visit.show("imports/progress.html", mine=mine)


async def show(visit: Visit) -> Response:
    id = visit.path["import_id"]
    found = (await visit.api("get_import", import_id=id)).body
    only = visit.query.get("rows") or ("failed" if found["failed"] else "all")
    rows = await listed(visit, "import_report", {"failed": "true"} if only == "failed" else None, import_id=id)
    return await visit.show("imports/show.html", found=found, rows=rows, only=only, outcomes=tuple(Outcome))


async def ask_forgetting(visit: Visit) -> Response:
    found = (await visit.api("get_import", import_id=visit.path["import_id"])).body
    return await visit.show("imports/forget.html", found=found)


async def forget(visit: Visit) -> Response:
    await visit.api("delete_import", import_id=visit.path["import_id"])
    return visit.go("/imports", "The import is forgotten; its numbers stay.")


_UPLOAD: Final = ("begin_import", "import_rows", "delete_import", "list_agents", "list_trunks", "search")

PAGES: Final = (
    page("GET /imports", "Imports", show_list, "list_imports"),
    page("GET /imports/new", "Import a file", new, "begin_import", "list_agents", "list_trunks"),
    page("POST /imports/new", "Import a file", create, *_UPLOAD, upload=True),
    page("GET /imports/progress", "Import a file", progress, "list_imports"),
    page("GET /imports/{import_id}", "Import", show, "get_import", "import_report"),
    page("GET /imports/{import_id}/forget", "Forget", ask_forgetting, "delete_import", "get_import"),
    page("POST /imports/{import_id}/forget", "Forget", forget, "delete_import"),
)
