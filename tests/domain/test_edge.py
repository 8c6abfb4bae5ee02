"""What an edge knows, in one word."""

import pytest

from cordboard.domain.edge import HopHealth, health_of

UP = HopHealth(host="a", uri="sip:192.0.2.1", down=False, code=200)
DOWN = HopHealth(host="b", uri="sip:192.0.2.2", down=True, code=408)
#: It did not answer a call, and was never asked.
FAILED = HopHealth(host="c", uri="sip:192.0.2.3", down=True)
NOT_ASKED = HopHealth(host="d", uri="sip:192.0.2.4", down=False)
UNRESOLVED = HopHealth(host="e", uri=None, down=False)


@pytest.mark.parametrize(
    ("hops", "said"),
    [
        ((UP, UP), "up"),
        ((UP, NOT_ASKED, UNRESOLVED), "up"),
        ((DOWN, UP), "degraded"),
        ((FAILED, UP), "degraded"),
        ((DOWN, FAILED, NOT_ASKED), "down"),
        ((NOT_ASKED, UNRESOLVED), "unknown"),
        ((), "unknown"),
    ],
)
def test_a_trunk_is_as_well_as_those_of_its_gateways_that_are_known(hops: tuple[HopHealth, ...], said: str) -> None:
    assert health_of(hops) == said
