"""Kamailio and domain/routing.py agree: generated cases over `/decide`, and some as real calls."""

import collections
import contextlib
import http.client
import json
import random
import sqlite3
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from cordboard.domain.addresses import MAX_NETWORKS, collapse, parse_host_port
from cordboard.domain.dialled import names_account
from cordboard.domain.edge import hop
from cordboard.domain.errors import TooManyNetworks
from cordboard.domain.explain import judgements
from cordboard.domain.routing import Decision, Invite
from cordboard.domain.trail import Rule, Trail
from cordboard.engines.edge.decide import Decider
from cordboard.engines.edge.deciding import FromFile
from cordboard.engines.edge.file import Put
from cordboard.engines.edge.registrar import Registrar
from cordboard.engines.edge.state import State
from cordboard.storage.migrations.run import migrate
from cordboard.storage.sqlite import SqliteStore
from cordboard.usecases.around import Around
from cordboard.usecases.explain import Explainer, Question
from tests.calls.digest import ha1
from tests.calls.edges import RunningEdge, agent, decide_path, number, trunk
from tests.calls.generated import Row, World, call, world
from tests.calls.phone import CRYPTO, Agent, Phone, sdp
from tests.chance import seed

#: Connections to `/decide` at once: Kamailio has two workers for TCP.
CONNECTIONS = 4


def as_answered(decision: Decision) -> dict[str, object]:
    return {name: getattr(decision, name) for name in Decision.__slots__}  # type: ignore[attr-defined]


def ask(port: int, calls: list[Invite]) -> list[dict[str, object]]:
    """What `/decide` says to each, over one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    answers = []
    for one in calls:
        connection.request("GET", decide_path(one))
        answers.append(json.loads(connection.getresponse().read()))
    connection.close()
    return answers


#: Each step that a call can fail by, and what it is refused for then.
FAILS_BY: dict[str, set[Rule]] = {
    "unknown-number": {"called-number"},
    "no-trunk": {"trunk"},
    "address-not-allowed": {"source-address"},
    "caller-number-not-allowed": {"listed-caller"},
    "trunk-credentials-required": {"trunk-credentials"},
    "caller-not-allowed": {"outbound-agent", "credentials", "account", "shown-number"},
    "credentials-required": {"credentials"},
    "login-required": {"credentials", "account"},
    "external-calls-not-allowed": {"external-calls"},
    "unknown-extension": {"dialled-number"},
    "emergency-not-carried": {"dialled-number"},
    "not-e164": {"dialled-number"},
    "destination-not-allowed": {"destination"},
    "encryption-required": {"media"},
    "encryption-not-allowed": {"media"},
    "media-not-supported": {"media"},
    "no-agent": {"agent"},
    "account-offline": {"agent"},
    "agent-unreachable": {"agent-address"},
    "no-gateway": {"gateway"},
    "gateway-unresolved": {"gateway-address"},
    "lookup-failed": {"trunk", "media"},
}


def traced(decider: Decider, one: Invite) -> Decision:
    """The decision, of which the steps tell the same: those before the one that fails have passed, or led nowhere."""
    trail = Trail()
    decision = decider.decide(one, trail=trail)
    told = judgements(trail, decision)
    failed = [step for step in told if step.outcome == "failed"]
    if decision.accepted:
        assert not failed, (one, told)
    else:
        assert [step.rule in FAILS_BY[decision.reason] for step in failed] == [True], (one, decision, told)
    assert decider.decide(one) == decision, "a trail changes nothing"
    return decision


def fill(edge: RunningEdge, rows: Iterable[Row], resolved: Iterable[tuple[str, int, str]] = ()) -> None:
    edge.file.rebuild(map(Put, rows), "test", 1)
    with contextlib.closing(sqlite3.connect(edge.folder / "edge.sqlite", timeout=5)) as connection, connection:
        connection.execute("delete from resolved")
        connection.executemany("insert into resolved values(?,?,?)", resolved)


EVERY_VERDICT = (
    "accepted unknown-number address-not-allowed encryption-required encryption-not-allowed media-not-supported "
    "no-agent agent-unreachable lookup-failed caller-not-allowed credentials-required emergency-not-carried not-e164 "
    "no-gateway gateway-unresolved login-required external-calls-not-allowed unknown-extension account-offline "
    "no-trunk caller-number-not-allowed trunk-credentials-required destination-not-allowed"
).split()


def compare(edge: RunningEdge, cases: int) -> None:
    """At least so many, and more until every verdict was among them."""
    rng = random.Random(seed())
    seen: collections.Counter[str] = collections.Counter()
    while seen.total() < cases or (set(seen) != set(EVERY_VERDICT) and seen.total() < cases + 20_000):
        state = world(rng)
        fill(edge, state.rows, state.resolved)
        contacts = contacts_of(edge)
        calls = [_by_contact(rng, contacts, call(rng, state)) for _ in range(2000)]
        decider = Decider(edge.folder / "edge.sqlite")
        expected = [as_answered(traced(decider, one)) for one in calls]
        decider.close()
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            parts = [calls[i::CONNECTIONS] for i in range(CONNECTIONS)]
            answers = list(pool.map(ask, [edge.edge.ports.decide] * CONNECTIONS, parts))
        for i, one in enumerate(calls):
            answer = answers[i % CONNECTIONS][i // CONNECTIONS]
            assert answer == expected[i], one
            seen[str(answer["reason"])] += 1
    print("cases:", dict(seen))
    assert set(seen) == set(EVERY_VERDICT)


def contacts_of(edge: RunningEdge) -> dict[str, str]:
    """The users of the edge's Contacts, and whose they are."""
    with contextlib.closing(sqlite3.connect(edge.folder / "edge.sqlite", timeout=5)) as connection:
        return dict(connection.execute("select key, trunk from registration order by key").fetchall())


def _by_contact(rng: random.Random, contacts: dict[str, str], one: Invite) -> Invite:
    """Some calls come to a Contact of ours, and say elsewhere who is called."""
    if rng.random() > 0.1:
        return one
    user = rng.choice([*contacts, "r" + "0" * 20])
    elsewhere = {"to": one.user, "to_host": one.host}
    if rng.random() < 0.3:
        elsewhere |= {"party": one.user, "party_host": one.host, "to": rng.choice(["", one.caller, one.user])}
    return replace(one, user=user, **elsewhere)


def test_generated_cases_are_decided_alike(edge: RunningEdge) -> None:
    compare(edge, 2000)


@pytest.mark.drill
def test_a_hundred_thousand_generated_cases_are_decided_alike(edge: RunningEdge) -> None:
    start = time.monotonic()
    compare(edge, 100_000)
    print(f"{time.monotonic() - start:.1f} s")


OFFERS = {
    "none": None,
    "rtp": sdp("127.0.1.1"),
    "srtp": sdp("127.0.1.1", profile="RTP/SAVP", extra=CRYPTO),
    "other": sdp("127.0.1.1", profile="UDP/TLS/RTP/SAVPF"),
}


def real_calls(edge: RunningEdge, cases: int, folder: Path) -> None:
    """As many INVITEs, some with credentials: what is explained is what happens, to the code; an accepted one shows the
    agent the very URI that was decided."""
    rng = random.Random(seed())
    migrate(f"sqlite:///{folder}/store.sqlite")
    store = SqliteStore(folder / "store.sqlite")
    explainer = Explainer(
        store=store,
        deciding=FromFile(edge.folder / "edge.sqlite"),
        around=Around(State(edge.edge), Registrar(edge.edge)),
    )
    seen: collections.Counter[str] = collections.Counter()
    with Agent("127.0.2.1", name="agent") as ai:
        ai.answers = lambda invite: (486, "")
        ai.ringing = False
        while seen.total() < cases:
            state = world(rng)
            fill(edge, on_the_wire(state, ai.at))
            for _ in range(min(cases, 200)):
                one = call(rng, state, on_the_wire=True)
                one = replace(one, caller=one.caller or "anonymous", caller_host=one.source)
                credentials = with_credentials(rng, state, one)
                seen[one_call(edge, explainer, ai, one, credentials)] += 1
                ai.events.clear()
    edge.run(store.close())
    print("calls:", dict(seen))


def on_the_wire(state: World, uri: str) -> list[Row]:
    """The world with one telephone for all agents, told apart by what is in front of its address, and for all
    gateways; every password is `right`."""
    agents = [
        replace(
            row,
            uri=f"sip:{row.uri[4:].partition('@')[0] + '.' if '@' in row.uri else ''}{row.id}@{uri}",
            hops=(hop(parse_host_port(uri)),),
            ha1=ha1(row.login, "cordboard", "right"),
        )
        for row in state.agents
    ]
    trunks = [
        replace(row, hops=row.hops and (hop(parse_host_port(uri)),), ha1=ha1(row.login, "cordboard", "right"))
        for row in state.trunks
    ]
    accounts = [replace(row, ha1=ha1(row.username, "cordboard", "right")) for row in state.accounts]
    return [*state.numbers, *trunks, *agents, *accounts]


def with_credentials(rng: random.Random, state: World, one: Invite) -> tuple[str, str] | None:
    """Somebody's, right or wrong; or none."""
    logins = [row.login for row in (*state.agents, *state.trunks) if row.login]
    names = [row.username for row in state.accounts]
    caller = one.caller if names_account(one.caller) else rng.choice(names)
    name = rng.choice([caller, caller, rng.choice(names), rng.choice(logins), rng.choice(logins), "nobody"])
    return None if rng.random() < 0.4 else (name, rng.choice(["right", "right", "right", "wrong"]))


def one_call(
    edge: RunningEdge, explainer: Explainer, ai: Agent, one: Invite, credentials: tuple[str, str] | None
) -> str:
    """Place it, and compare; how it was explained."""
    # nobody is shut out for what was tried before
    for table in ("guesses", "slowed", "ban"):
        edge.run(edge.edge.rpc.call("htable.flush", table))
    # wrong ones are challenged again, as if there were none
    right = credentials is not None and credentials[1] == "right"
    question = Question(invite=one, login=credentials[0] if credentials is not None and right else "")
    told = edge.run(explainer.explain(question, None))
    with Phone(one.source) as phone:
        made = phone.call(
            *(edge.sip, one.user),
            host=one.host,
            body=OFFERS[one.offered],
            caller=one.caller,
            credentials=credentials,
        )
    decision = told.decision
    assert made.status == (486 if decision.accepted else decision.code), (one, credentials, told)
    failed = [step.rule for step in told.steps if step.outcome == "failed"]
    assert len(failed) == int(not decision.accepted), told
    if decision.accepted:
        arrived = next(m for m in ai.calls if m.get("Call-ID") == made.id)
        target = decision.target if decision.direction == "in" else f"sip:{decision.target}@{ai.at}"
        assert arrived.first.split()[1] == target, one
    return decision.reason


def test_two_thousand_generated_calls_become_what_is_explained(edge: RunningEdge, tmp_path: Path) -> None:
    real_calls(edge, 2000, tmp_path)


@pytest.mark.drill
def test_ten_thousand_generated_calls_become_what_is_explained(edge: RunningEdge, tmp_path: Path) -> None:
    real_calls(edge, 10_000, tmp_path)


def test_the_longest_list_fits_and_one_more_network_is_refused(edge: RunningEdge) -> None:
    """N networks of the longest text there is; the last of them counts as much as the first."""
    networks = [
        f"2001:db8:1111:1111:1111:1111:{i:x}:1000/128" for i in range(0x1000, 0x1000 + 2 * (MAX_NETWORKS + 1), 2)
    ]
    with pytest.raises(TooManyNetworks):
        collapse(networks)
    longest = collapse(networks[:MAX_NETWORKS])
    assert len(longest) == MAX_NETWORKS
    edge.file.rebuild(map(Put, (number(), agent(), trunk("trunk", *longest))), "test", 1)
    for source, reason in (
        (longest[0], "accepted"),
        (longest[MAX_NETWORKS // 2], "accepted"),
        (longest[-1], "accepted"),
        (networks[MAX_NETWORKS], "address-not-allowed"),
    ):
        asked = Invite(source=source.removesuffix("/128"), user="34911234567", host="x", offered="rtp")
        assert edge.decide(asked)["reason"] == reason


def test_a_v6_address_is_tested_against_each_network_of_a_list(edge: RunningEdge) -> None:
    """Kamailio 5.6's is_in_subnet goes on with the address as the network before had masked it."""
    edge.file.rebuild(
        map(Put, (number(), agent(), trunk("trunk", "2001:db8::/126", "2001:db8:0:1::/64", "2001:db8:2::7/128"))),
        "test",
        1,
    )
    for source, reason in (
        ("2001:db8::3", "accepted"),
        ("2001:db8::4", "address-not-allowed"),
        ("2001:db8:0:1::9", "accepted"),
        ("2001:db8:2::7", "accepted"),
        ("2001:db8:2::8", "address-not-allowed"),
        ("2001:db8:0:2::", "address-not-allowed"),
    ):
        asked = Invite(source=source, user="34911234567", host="x", offered="rtp")
        assert edge.decide(asked)["reason"] == reason, source
