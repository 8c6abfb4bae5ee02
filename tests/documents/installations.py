"""A fresh installation for a page: a server that is up, with the name server and the others that its commands meet."""

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.calls.certificates import Authority
from tests.calls.edges import EDGE_ADDRESS, data_directory, free_port
from tests.calls.phone import Address, Agent
from tests.dns import name_server
from tests.documents.others import Other, standing
from tests.documents.pages import ROOT, Block
from tests.documents.shell import run
from tests.processes import Server, serving

#: Where a page's server is.
_HTTP, _SIP = "127.0.0.1:8080", "127.0.0.1:5060"


@dataclass
class Installation:
    """A server in a folder that looks like a checkout, whose ./data is new."""

    folder: Path
    server: Server
    sip: Address
    #: By host name and transport.
    others: dict[str, dict[str, Agent]]

    def run(self, chosen: Sequence[Block]) -> str:
        """Run blocks of one page; what they printed. Raises Failed."""
        at = f"{self.sip[0]}:{self.sip[1]}"
        replaced = {_HTTP: self.server.url.removeprefix("http://"), _SIP: at}
        return run(chosen, self.folder, replaced, {"EDGE": at})


@contextlib.contextmanager
def fresh(others: Sequence[Other]) -> Iterator[Installation]:
    """An installation that nobody has used yet."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(data_directory())
        for name in (".venv", "demo", "docs"):
            os.symlink(ROOT / name, folder / name)
        dns, authority = stack.enter_context(name_server()), Authority(folder)
        sip = (EDGE_ADDRESS, free_port())
        certificate, key = authority.issue("edge.test", "edge.test")
        settings = {
            "CORDBOARD_DNS_SERVERS": dns.at,
            "CORDBOARD_TLS_LISTEN": f"{EDGE_ADDRESS}:{free_port()}",
            "CORDBOARD_TLS_CERTIFICATE": str(certificate),
            "CORDBOARD_TLS_KEY": str(key),
            "CORDBOARD_TLS_CA_FILE": str(authority.certificate),
            "CORDBOARD_PROBE_SECONDS": "1",
        }
        standings = {other.host: stack.enter_context(standing(other, dns, authority)) for other in others}
        listening = ("--sip-listen", f"{sip[0]}:{sip[1]}")
        server = stack.enter_context(serving(folder / "data", *listening, environment=settings))
        yield Installation(folder=folder, server=server, sip=sip, others=standings)
