"""What the edges of an installation say of themselves, and waiting for them, through a process that has none itself."""

import json
import shutil
from pathlib import Path

import httpx2
import pytest

from tests.calls.phone import Phone
from tests.processes import cordboard, serving
from tests.serve.installations import Installation

pytestmark = pytest.mark.calls


def test_an_edge_tells_where_it_is_reached_and_that_it_has_every_change(installed: Installation) -> None:
    listed = json.loads(cordboard(installed.server.data, "edge", "list", "--json").stdout)
    (edge,) = listed["data"]
    host, port = installed.sip
    assert edge["signalling"] == [f"udp:{host}:{port}", f"tcp:{host}:{port}"]
    assert edge["media"][0].startswith(f"{host}:")
    assert (edge["state"], edge["applied"]) == ("ready", True)
    assert edge["applied_revision"] >= listed["revision"] > 0
    assert f"udp:{host}:{port}" in cordboard(installed.server.data, "edge", "list").stdout


# several processes share a PostgreSQL database alone
@pytest.mark.parametrize("installed", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True)
def test_a_change_by_another_process_is_waited_for_and_met_by_the_next_call(
    installed: Installation, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    shutil.copy(installed.server.data / "secrets.json", data)
    installed.assign(0)
    with (
        serving(data, "--no-edge", environment=installed.environment) as other,
        Phone("127.0.1.1") as carrier,
        httpx2.Client(base_url=f"{other.url}/cordboard/v1", trust_env=False, timeout=10) as http,
    ):
        http.headers["Authorization"] = f"Bearer {(data / 'admin.token').read_text().strip()}"
        (edge,) = http.get("/edges").json()["data"]
        assert edge["state"] == "ready"
        (trunk,) = http.get("/trunks", params={"number": installed.number}).json()["data"]
        for allowed, status in ((["127.0.9.9/32"], 403), ([], 200)) * 5:
            path, body = f"/trunks/{trunk['id']}", {"allowed_addresses": allowed}
            changed = http.patch(path, json=body, headers={"Prefer": "wait=5"})
            assert changed.headers["preference-applied"] == "wait=5"
            call = installed.call(carrier)
            assert call.status == status
            if status == 200:
                call.hang_up()
