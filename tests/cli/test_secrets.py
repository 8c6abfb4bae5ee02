"""`cordboard secret` beside a running server."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.cli.sessions import cordboard
from tests.processes import serving

pytestmark = pytest.mark.slow


def test_a_running_server_goes_on_while_its_secrets_get_another_key(tmp_path: Path) -> None:
    with serving(tmp_path, "--no-edge", ready="/readyz") as server:

        def run(*words: str, **rest: Any) -> str:
            return cordboard(server.data, *words, **rest).stdout

        def version() -> None:
            """The server opens the agent's password, and seals it for another version."""
            run("agent", "version", "create", "--agent", agent, "--sip-uri", "sip:b@127.0.2.1")

        run("tenant", "create", "Acme")
        new = ("--tenant", "Acme", "--name", "Support", "--sip-uri", "sip:a@127.0.2.1", "--username", "support")
        agent = json.loads(run("agent", "create", *new, "--json"))["agent_id"]
        kind = "password that an agent calls with"
        counted = run("secrets", "rotate", "--dry-run")
        assert f"{kind}  k1   1" in counted
        assert "k1 seals now; it would begin to seal by k2; nothing was changed" in counted
        assert "k2 seals from now on; 1 secrets were sealed anew" in run("secrets", "rotate")
        version()
        found = json.loads(run("secrets", "rotate", "--dry-run", "--json"))
        assert found["secrets"] == [{"kind": kind, "key": "k2", "count": 2}]
        refused = cordboard(server.data, "secrets", "drop-old", "--yes", ok=False)
        assert (refused.returncode, "in a minute" in refused.stderr) == (1, True)
        ring = server.data / "secrets.json"
        os.utime(ring, (0, 0))
        assert json.loads(run("secrets", "drop-old", "--yes", "--json")) == {"old": ["k1"], "dropped": True}
        version()
        assert list(json.loads(ring.read_text())["keys"]) == ["k2"]
        assert json.loads(run("secrets", "prepare", "--json")) == {"key": "k3", "made": True}
        done = json.loads(run("secrets", "rotate", "--json"))
        assert done == {"active": "k3", "begun": True, "old": ["k2"], "sealed_anew": 3, "unreadable": []}
        version()


def test_a_directory_without_an_installation_is_left_alone(tmp_path: Path) -> None:
    refused = cordboard(tmp_path, "secrets", "rotate", ok=False)
    assert (refused.returncode, "--data" in refused.stderr) == (1, True)
    assert not list(tmp_path.iterdir())
