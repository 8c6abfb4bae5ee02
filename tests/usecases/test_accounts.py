"""SIP accounts and their customers, on both stores."""

from functools import partial

import pytest

from cordboard.domain.accounts import AccountId, Recording
from cordboard.domain.errors import (
    AccountLimitReached,
    ExtensionTaken,
    ExternalNumberMissing,
    Invalid,
    InvalidNetwork,
    NotTheTenantsNumber,
    ReferenceTaken,
    UnknownAccount,
    UnknownTenant,
    UsernameTaken,
)
from cordboard.domain.operators import OperatorId
from cordboard.domain.tenants import ADMIN
from cordboard.storage import accounts as stored
from cordboard.storage import numbers as stored_numbers
from cordboard.storage import operators, tenants
from cordboard.storage.sorted import Filters, Sort
from cordboard.usecases import accounts, customers
from cordboard.usecases.accounts import Change
from cordboard.usecases.agents import Credentials
from cordboard.usecases.numbers import assign_to_account
from tests.builders import (
    World,
    create_account,
    create_agent,
    create_customer,
    create_operator,
    create_tenant,
    import_number,
    unknown_id,
)

pytestmark = pytest.mark.anyio


async def change(world: World, id: AccountId, **fields: object) -> object:
    make = partial(
        accounts.update,
        who=ADMIN,
        now=world.clock(),
        id=id,
        change=Change(**fields),  # type: ignore[arg-type]
        sealer=world.context.sealer,
    )
    return await world.store.write(None, make)


async def listed(
    world: World, operator: OperatorId, *sort: Sort, number: int = 1, size: int = 50, **filters: object
) -> tuple[int, list[str]]:
    """How many there are, and the usernames of a page."""
    where: Filters = filters  # type: ignore[assignment]
    page = await world.store.read(
        partial(accounts.page, operator=operator, filters=where, sort=sort, number=number, size=size)
    )
    return page.total, [account.username for account in page.accounts]


async def test_an_account_comes_back_as_it_was_made(world: World) -> None:
    tenant = await create_tenant(world)
    made = await create_account(
        world,
        tenant,
        "z4wnypvker",
        caller_name="Helo bye",
        extension=101,
        restricted=True,
        allowed=" 127.0.0.1, 10.1.2.3/8,2001:db8::1 ,10.0.0.0/8",
        recording=frozenset({Recording.INCOMING_EXTERNAL, Recording.ON_DEMAND}),
    )
    found = await world.store.read(partial(stored.get, id=made.id))
    assert found == made
    assert found.allowed == ("127.0.0.1/32", "10.0.0.0/8", "2001:db8::1/128")
    assert world.context.sealer.unseal(found.password, made.id) == "account-secret"
    assert "account-secret" not in repr(found)


async def test_a_new_account_may_do_nothing_that_was_not_said(world: World) -> None:
    made = await create_account(world, await create_tenant(world))
    assert (made.may_call_outside, made.restricted, made.allowed, made.recording) == (False, False, None, frozenset())


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"allowed": "10.0.0.0/8, nowhere"}, InvalidNetwork),
        ({"password": "short"}, Invalid),
        ({"caller_name": 'a "b"'}, Invalid),
        ({"extension": 0}, Invalid),
        ({"external_number": 123}, Invalid),
        # of nobody
        ({"external_number": 34911111111}, NotTheTenantsNumber),
        ({"may_call_outside": True}, ExternalNumberMissing),
        ({"username": "a b"}, Invalid),
    ],
)
async def test_what_is_not_as_it_must_be_changes_nothing(
    world: World, fields: dict[str, object], error: type[Exception]
) -> None:
    made = await create_account(world, await create_tenant(world))
    with pytest.raises(error):
        await change(world, made.id, **{"caller_name": "new", **fields})
    assert await world.store.read(partial(stored.get, id=made.id)) == made


async def test_it_shows_a_number_of_its_own_tenant_alone(world: World) -> None:
    tenant, other = await create_tenant(world), await create_tenant(world, name="other")
    await import_number(world, tenant, "+34911000001")
    await import_number(world, other, "+34911000002")
    made = await create_account(world, tenant)
    with pytest.raises(NotTheTenantsNumber):
        await change(world, made.id, external_number=34911000002)
    await change(world, made.id, external_number=34911000001, may_call_outside=True)
    with pytest.raises(ExternalNumberMissing):
        await change(world, made.id, external_number=None)


async def test_a_username_is_one_account_s_or_agent_s_in_the_installation(world: World) -> None:
    tenant, other = await create_tenant(world), await create_tenant(world, name="other")
    made = await create_account(world, tenant, "alice")
    with pytest.raises(UsernameTaken):
        await create_account(world, other, "alice")
    with pytest.raises(UsernameTaken):
        await create_agent(world, other, from_credentials=Credentials(username="alice", password="agent-secret"))
    await change(world, made.id, username="bob")
    await create_account(world, other, "alice")
    await world.store.write(None, partial(accounts.delete, who=ADMIN, now=world.clock(), id=made.id))
    await create_account(world, other, "bob")


async def test_an_extension_is_one_account_s_of_a_tenant(world: World) -> None:
    tenant, other = await create_tenant(world), await create_tenant(world, name="other")
    await create_account(world, tenant, extension=7)
    await create_account(world, other, extension=7)
    with pytest.raises(ExtensionTaken):
        await create_account(world, tenant, extension=7)


async def test_a_limit_stops_creation_and_hurts_nothing_that_is_there(world: World) -> None:
    operator = await create_operator(world)
    customer = await create_customer(world, operator.id, rest=customers.Change(account_limit=2))
    for _ in range(2):
        await create_account(world, customer.id)
    with pytest.raises(AccountLimitReached):
        await create_account(world, customer.id)
    assert customer.reference is not None
    lowered = partial(
        customers.update,
        who=ADMIN,
        now=world.clock(),
        operator=operator.id,
        reference=customer.reference,
        change=customers.Change(account_limit=1),
    )
    await world.store.write(customer.id, lowered)
    assert (await listed(world, operator.id))[0] == 2
    assert (await world.store.read(partial(tenants.get, id=customer.id))).accounts == 2


async def test_lists_are_filtered_sorted_and_paged_from_either_end(world: World) -> None:
    operator, other = await create_operator(world), await create_operator(world, "other")
    first, second = await create_customer(world, operator.id), await create_customer(world, operator.id)
    names = [None, "b", "a", None, "c", "a", "b"]
    for i, name in enumerate(names):
        await create_account(world, (first if i % 2 else second).id, f"u{i}", caller_name=name, id=f"{i:036}")
    await create_account(world, (await create_customer(world, other.id)).id)
    by_name = Sort(by="caller_name")
    assert await listed(world, operator.id) == (7, [f"u{i}" for i in range(7)])
    order = ["u0", "u3", "u2", "u5", "u1", "u6", "u4"]
    assert await listed(world, operator.id, by_name) == (7, order)
    assert await listed(world, operator.id, Sort(by="caller_name", descending=True)) == (7, order[::-1])
    for size in (1, 2, 3, 7, 10):
        pages = [await listed(world, operator.id, by_name, number=n, size=size) for n in range(1, 9)]
        assert [name for _, page in pages for name in page] == order
    mixed = (Sort(by="caller_name", descending=True), Sort(by="username"))
    assert (await listed(world, operator.id, *mixed))[1] == ["u4", "u1", "u6", "u2", "u5", "u0", "u3"]
    assert await listed(world, operator.id, caller_name=["a"]) == (2, ["u2", "u5"])
    assert await listed(world, operator.id, caller_name=["a", "c"], tenant=[second.id]) == (2, ["u2", "u4"])
    assert await listed(world, operator.id, caller_name=[]) == (0, [])
    assert await listed(world, operator.id, number=9) == (7, [])


async def test_each_sort_and_filter_works(world: World) -> None:
    operator = await create_operator(world)
    made = await create_account(world, (await create_customer(world, operator.id)).id)
    for sort in stored.SORTS:
        assert (await listed(world, operator.id, Sort(by=sort)))[1] == [made.username]
    for name in stored.FILTERS:
        numeric = name in ("may_call_outside", "extension", "external_number")
        await listed(world, operator.id, **{name: [0 if numeric else "x"]})


async def test_references_are_each_operator_s_own(world: World) -> None:
    operator, other = await create_operator(world), await create_operator(world, "other")
    await create_customer(world, operator.id, "2")
    await create_customer(world, other.id, "2")
    with pytest.raises(ReferenceTaken):
        await create_customer(world, operator.id, "2")
    made = [(await create_customer(world, operator.id)).reference for _ in range(2)]
    assert made == ["1", "3"]


async def test_a_deleted_customer_takes_all_of_its_own_with_it(world: World) -> None:
    operator = await create_operator(world)
    customer = await create_customer(world, operator.id, "5")
    await import_number(world, customer.id, "+34911000001")
    account = await create_account(world, customer.id)
    await create_agent(world, customer.id, from_credentials=Credentials(username="robot", password="agent-secret"))
    assert customer.reference is not None
    delete = partial(customers.delete, who=ADMIN, now=world.clock(), operator=operator.id, reference="5")
    await world.store.write(customer.id, delete)
    assert await world.store.read(partial(operators.counted, id=operator.id)) == (0, 0)
    with pytest.raises(UnknownTenant):
        await world.store.read(partial(tenants.get, id=customer.id))
    with pytest.raises(UnknownAccount):
        await world.store.read(partial(stored.get, id=account.id))
    tenant = await create_tenant(world)
    await create_account(world, tenant, "robot")
    await import_number(world, tenant, "+34911000001")


async def test_another_operator_s_customer_is_unknown(world: World) -> None:
    operator, other = await create_operator(world), await create_operator(world, "other")
    customer = await create_customer(world, operator.id, "5")
    account = await create_account(world, customer.id)
    delete = partial(customers.delete, who=ADMIN, now=world.clock(), operator=other.id, reference="5")
    with pytest.raises(UnknownTenant):
        await world.store.write(None, delete)
    with pytest.raises(UnknownAccount):
        await world.store.read(partial(stored.get, id=account.id, operator=other.id))
    with pytest.raises(UnknownAccount):
        await world.store.read(partial(stored.get, id=AccountId(unknown_id()), operator=operator.id))


async def test_a_deleted_account_takes_no_number_with_it(world: World) -> None:
    tenant = await create_tenant(world)
    account = await create_account(world, tenant)
    await import_number(world, tenant, "+34911000001")
    assign = partial(assign_to_account, who=ADMIN, number="+34911000001", account=account.id, now=world.clock())
    shown = await world.store.write(tenant, assign)
    assert shown.account_id == account.id
    await world.store.write(tenant, partial(accounts.delete, who=ADMIN, now=world.clock(), id=account.id))
    assert (await world.store.read(partial(stored_numbers.by_number, number="+34911000001"))).account is None
