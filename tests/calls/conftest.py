"""An edge and its telephones. Carriers are at 127.0.1.x, agents at 127.0.2.x."""

from collections.abc import Iterator

import pytest

from tests.calls.edges import RunningEdge, agent, number, running_edge, trunk
from tests.calls.phone import Agent, Phone


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/calls/" in str(item.path):
            item.add_marker("calls")


@pytest.fixture(scope="module")
def edge() -> Iterator[RunningEdge]:
    """One running edge for the tests of a module."""
    with running_edge() as running:
        yield running


@pytest.fixture
def carrier() -> Iterator[Phone]:
    with Phone("127.0.1.1", name="carrier") as phone:
        yield phone


@pytest.fixture
def stranger() -> Iterator[Phone]:
    with Phone("127.0.1.9", name="stranger") as phone:
        yield phone


@pytest.fixture
def ai() -> Iterator[Agent]:
    """The agent that answers calls."""
    with Agent("127.0.2.1", name="agent") as phone:
        yield phone


@pytest.fixture
def routed(edge: RunningEdge, ai: Agent) -> RunningEdge:
    """The edge with one number, whose trunk lets the carrier in, routed to the agent."""
    edge.file.rebuild((), "test", edge.revision)
    edge.run(edge.edge.rpc.call("htable.flush", "refused"))  # each test may see ten refusals a second
    edge.put(number(), trunk("trunk", "127.0.1.1/32"), agent(uri=f"sip:{{number}}@{ai.at}"))
    return edge
