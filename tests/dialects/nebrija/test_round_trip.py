"""Whatever is sent to a trunk, by this dialect or by Diga's, both show what the contract makes of it.

A model keeps what a trunk should be; it is written from the contract and knows nothing of the product's code.
"""

from dataclasses import dataclass, field, replace
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import World, import_body
from tests.dialects.nebrija.caller import NUMBERS, TRUNKS, Caller, calling

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

MASK = "********"
Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Model:
    """A trunk as it should be. A gateway's port may be None, which is DNS's to say."""

    gateways: tuple[Json, ...]
    username: str | None
    password: str | None
    encryption: dict[str, str] = field(default_factory=lambda: {"inbound": "allow", "outbound": "allow"})
    allowed: list[str] | None = None
    #: Options but for encryption and addresses, in their shown form.
    options: Json = field(default_factory=dict)
    inbound_password: str | None = None

    @property
    def possible(self) -> bool:
        options, complete = self.options, bool(self.gateways) and None not in (self.username, self.password)
        if "registration" in options and not complete:
            return False
        return options.get("numberFormat") != "national" or "countryCode" in options

    def shown(self, gateway: Json) -> Json:
        by_tls = gateway.get("transport", self.options.get("transport")) == "tls"
        return {**gateway, "port": gateway["port"] or (5061 if by_tls else 5060)}

    def advanced(self) -> Json:
        made: Json = dict(self.options)
        inbound, outbound = self.encryption["inbound"], self.encryption["outbound"]
        if inbound != outbound:
            made["mediaEncryption"] = self.encryption
        elif inbound != "allow":
            made["mediaEncryption"] = inbound
        if self.allowed is not None:
            made["allowedAddresses"] = self.allowed
        return made

    def trunk(self) -> Json:
        """In this dialect's words."""
        authentication = {"username": self.username, "password": None if self.password is None else MASK}
        return {
            "gateways": [self.shown(gateway) for gateway in self.gateways],
            "authentication": {name: value for name, value in authentication.items() if value},
            "advanced": self.advanced(),
        }

    def sip_config(self) -> Json:
        """In Diga's words."""
        uri = None
        if self.gateways:
            first = self.gateways[0]
            host = f"[{first['ipOrDomain']}]" if ":" in first["ipOrDomain"] else first["ipOrDomain"]
            uri = host if first["port"] is None else f"{host}:{first['port']}"
        return {
            "termination_uri": uri,
            "username": self.username,
            "inbound_media_encryption": self.encryption["inbound"],
            "outbound_media_encryption": self.encryption["outbound"],
            "allowed_addresses": self.allowed,
        }


def patched(model: Model, body: Json) -> Model:
    """After a PATCH of the trunk."""
    made = model
    if "gateways" in body:
        # what comes back as it was shown is what is stored
        kept = {str(sorted(model.shown(each).items())): each for each in model.gateways}
        sent = [_gateway(each) for each in body["gateways"]]
        made = replace(made, gateways=tuple(kept.get(str(sorted(model.shown(each).items())), each) for each in sent))
    if "authentication" in body:
        given = body["authentication"] if body["authentication"] is not None else {"username": None, "password": None}
        if "username" in given:
            made = replace(made, username=given["username"] or None)
        if "password" in given and given["password"] != MASK:
            made = replace(made, password=given["password"] or None)
    for name, value in body.get("advanced", {}).items():
        made = _with_option(made, name, value)
    return made


def _gateway(sent: Json) -> Json:
    made = {"port": 5060, **sent}
    return {name: value for name, value in made.items() if name == "port" or value not in (None, "", "auto")}


#: What is not shown of each, but for null.
DEFAULTS: Json = {"transport": "auto", "tlsVerify": True, "numberFormat": "e164", "calledNumberFrom": "ruri"}


def _with_option(model: Model, name: str, value: Any) -> Model:
    if name == "mediaEncryption":
        both = {"inbound": "allow", "outbound": "allow"} if value is None else value
        both = {"inbound": both, "outbound": both} if isinstance(both, str) else both
        return replace(model, encryption={**model.encryption, **both})
    if name == "allowedAddresses":
        return replace(model, allowed=value)
    options = {each: kept for each, kept in model.options.items() if each != name}
    if name == "inboundAuthentication" and value is not None:
        before = model.options.get(name, {})
        if value.get("password", MASK) != MASK:
            model = replace(model, inbound_password=value["password"])
        options[name] = {"username": value.get("username", before.get("username")), "password": MASK}
    elif value not in (None, False, [], {}, DEFAULTS.get(name)) or (name == "tlsVerify" and value is False):
        options[name] = value
    elif name == "inboundAuthentication":
        model = replace(model, inbound_password=None)
    return replace(model, options=options)


def patched_by_diga(model: Model, body: Json) -> Model | None:
    """After a PATCH of the number's sip_config; None: it is refused."""
    inbound, outbound, made = body.get("inbound_config", {}), body.get("outbound_config"), model
    if "allowed_addresses" in inbound:
        made = replace(made, allowed=inbound["allowed_addresses"])
    if "media_encryption" in inbound:
        made = replace(made, encryption={**made.encryption, "inbound": inbound["media_encryption"]})
    if outbound is None:
        return made
    if "media_encryption" in outbound:
        made = replace(made, encryption={**made.encryption, "outbound": outbound["media_encryption"]})
    if "termination_uri" in outbound:
        if outbound["termination_uri"] is None:
            options = {name: value for name, value in made.options.items() if name != "registration"}
            return replace(made, gateways=(), username=None, password=None, options=options)
        made = replace(made, gateways=_moved(made.gateways, outbound["termination_uri"]))
    if not made.gateways:
        return None
    return replace(
        made,
        username=outbound.get("username", made.username),
        password=outbound.get("password", made.password),
    )


def _moved(gateways: tuple[Json, ...], uri: str) -> tuple[Json, ...]:
    host, _, port = uri.partition(":")
    place = {"ipOrDomain": host, "port": int(port) if port else None}
    if not gateways:
        return (place,)
    first = {
        name: value for name, value in gateways[0].items() if name != "transport" or gateways[0]["ipOrDomain"] == host
    }
    return ({**first, **place}, *gateways[1:])


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    """An object with any of these fields."""
    return st.fixed_dictionaries({}, optional=fields)


#: Few values, so that what is sent is often what there was.
HOST = st.sampled_from(["a.example", "2001:db8::1"])
TRANSPORT = st.sampled_from(["auto", "tcp", "tls"])
ENCRYPTION = st.sampled_from(["disable", "allow", "require"])
WORD = st.text("abc*", min_size=1, max_size=9)
ADDRESSES = st.none() | st.lists(st.sampled_from(["192.0.2.0/24", "2001:db8::/32", "198.51.100.7"]), max_size=2)
GATEWAY = st.fixed_dictionaries(
    {"ipOrDomain": HOST},
    optional={
        "port": st.sampled_from([None, 5060, 5061]),
        "name": st.sampled_from(["", "A"]),
        "transport": TRANSPORT,
    },
)
#: By priority or by place, but not mixed.
GATEWAYS = st.lists(GATEWAY, min_size=1, max_size=2) | st.lists(GATEWAY, min_size=1, max_size=2).map(
    lambda each: [{**gateway, "priority": place, "weight": 3} for place, gateway in enumerate(each)]
)
INBOUND = st.fixed_dictionaries({"username": st.sampled_from(["u", "v"]), "password": WORD.filter(lambda w: w != MASK)})
ADVANCED = some(
    transport=st.none() | TRANSPORT,
    mediaEncryption=st.none() | ENCRYPTION | some(inbound=ENCRYPTION, outbound=ENCRYPTION),
    tlsVerify=st.none() | st.booleans(),
    allowedAddresses=ADDRESSES,
    allowedNumbers=st.none() | st.lists(st.sampled_from(["+34*", "+15125550100"]), max_size=2),
    headers=st.none() | st.dictionaries(st.sampled_from(["X-A", "X-B"]), st.sampled_from(["1", "dos"])),
    codecs=st.none() | st.lists(st.sampled_from(["PCMA", "PCMU", "opus"]), unique=True),
    maxConcurrentCalls=st.none() | st.integers(1, 1_000_000),
    allowedDestinations=st.none() | st.lists(st.sampled_from(["+34", "+1"]), max_size=2),
    numberFormat=st.none() | st.sampled_from(["e164", "digits", "national"]),
    countryCode=st.none() | st.sampled_from(["34", "1"]),
    calledNumberFrom=st.none() | st.sampled_from(["ruri", "to"]),
    failoverCodes=st.none() | st.lists(st.integers(402, 405), max_size=2),
    registration=st.none() | st.booleans() | st.just({"expires": 60, "domain": "x.example"}),
    inboundAuthentication=st.none() | INBOUND,
)
AUTHENTICATION = st.none() | some(username=st.none() | st.just("") | WORD, password=st.none() | st.just(MASK) | WORD)
OURS = some(gateways=GATEWAYS, authentication=AUTHENTICATION, advanced=ADVANCED)
TERMINATION = st.builds("{}{}".format, st.sampled_from(["a.example", "c.example"]), st.sampled_from(["", ":5099"]))
DIGAS = some(
    inbound_config=some(media_encryption=ENCRYPTION, allowed_addresses=ADDRESSES),
    outbound_config=some(
        termination_uri=st.none() | TERMINATION,
        username=st.none() | WORD,
        password=st.none() | WORD,
        media_encryption=ENCRYPTION,
    ),
)
STEPS = st.lists(st.tuples(st.just("nebrija"), OURS) | st.tuples(st.just("diga"), DIGAS), min_size=1, max_size=8)


@pytest.mark.proves(
    "nebrija: the same trunk in Diga's words",
    "nebrija: two gateways in a sip_config",
    "nebrija: only what is sent changes",
    "nebrija: advanced on PATCH",
    "nebrija: authentication on PATCH",
)
@settings(max_examples=200)
@given(steps=STEPS)
async def test_both_dialects_show_what_either_of_them_was_told(
    shared_world: World, steps: list[tuple[Literal["nebrija", "diga"], Json]]
) -> None:
    async with calling(shared_world) as caller:
        phone = (await caller.http.post("/v1/phone/import", json=import_body())).json()["id"]
        trunk = (await caller.done("GET", f"{NUMBERS}/{phone}"))["sipTrunkId"]
        model = Model(
            gateways=({"ipOrDomain": "127.0.1.1", "port": 5080},),
            username="carrier-user",
            password="carrier-secret",
            allowed=["127.0.1.0/24"],
        )
        for dialect, body in steps:
            if dialect == "nebrija":
                after: Model | None = patched(model, body)
                answer = await caller.send("PATCH", f"{TRUNKS}/{trunk}", json=body)
            else:
                after = patched_by_diga(model, body)
                answer = await caller.http.patch(f"/v1/phone/{phone}/sip-config", json=body)
            possible = after is not None and after.possible and _complete(after)
            assert answer.status_code in ((200,) if possible else (400, 422)), (body, answer.text)
            if after is not None and possible:
                model = after
            await _check(caller, model, phone, trunk)


def _complete(model: Model) -> bool:
    """Credentials are for gateways."""
    return bool(model.gateways) or (model.username, model.password) == (None, None)


async def _check(caller: Caller, model: Model, phone: str, trunk: str) -> None:
    shown = await caller.done("GET", f"{TRUNKS}/{trunk}")
    assert {name: shown[name] for name in ("gateways", "authentication", "advanced")} == model.trunk()
    assert (await caller.http.get(f"/v1/phone/{phone}")).json()["sip_config"] == model.sip_config()
    assert await caller.password(trunk) == model.password
    assert await caller.inbound_password(trunk) == model.inbound_password
