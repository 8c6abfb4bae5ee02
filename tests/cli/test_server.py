"""Which server the commands talk to, and as whom."""

from functools import partial

import pytest
from click.testing import CliRunner

from cordboard.cli import main
from cordboard.domain.tenants import TenantId
from tests.builders import create_key
from tests.cli.conftest import Running


@pytest.mark.parametrize("alone", ["CORDBOARD_URL", "CORDBOARD_ADMIN_TOKEN"])
def test_an_address_without_a_token_and_a_token_without_an_address_are_wrong_use(alone: str) -> None:
    environment = {"CORDBOARD_URL": None, "CORDBOARD_ADMIN_TOKEN": None, alone: "x"}
    done = CliRunner().invoke(main, ["whoami"], env=environment)
    assert done.exit_code == 2
    assert f"{alone} is set without CORDBOARD_" in done.stderr


@pytest.mark.slow
def test_lists_are_of_the_tenant_whose_key_is_used(running: Running) -> None:
    key = running.portal.call(partial(create_key, running.world, TenantId(running.ids["acme"])))
    for noun, name in (("number", "+34911000001"), ("agent", "Support"), ("account", "desk"), ("trunk", "Carrier")):
        for tenant in ([], ["--tenant", "Acme"]):
            environment = {**running.environment, "CORDBOARD_ADMIN_TOKEN": key}
            done = CliRunner().invoke(main, [noun, "list", *tenant], env=environment)
            assert (done.exit_code, done.stderr) == (0, "")
            assert name in done.stdout
