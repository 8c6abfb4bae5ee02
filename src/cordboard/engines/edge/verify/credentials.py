"""The step `digest`: whether a gateway asks for our password, and what it says to it.

A trunk that registers is asked by a REGISTER without a Contact, which changes nothing (RFC 3261 section 10.2.3).
Another one by OPTIONS if that is challenged, else by an INVITE to a user that is no number: it can ring nobody, and is
taken back if it does.
"""

import ssl
from dataclasses import dataclass
from typing import Final

from cordboard.domain.addresses import as_address
from cordboard.domain.verification_steps import Said, failed, passed, skipped, warning
from cordboard.domain.verifications import Login, Place
from cordboard.engines.edge.names.lookup import Hop
from cordboard.engines.edge.verify.answers import question
from cordboard.engines.edge.verify.connection import Way, no_connection
from cordboard.engines.edge.verify.digest import Challenge, best, challenges
from cordboard.engines.edge.verify.leaving import left
from cordboard.engines.edge.verify.sip import Line, Request, Response, Unreached, host_of, printable

#: Whom an INVITE is for that only wants to be challenged.
NOBODY: Final = "cordboard-verify"


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request, what came, and the challenge that was answered last."""

    method: str
    first: Response | None
    challenge: Challenge | None
    #: After the credentials; None if there were none, or nothing came.
    second: Response | None
    #: Those that were offered, whether or not one could be answered.
    offered: tuple[Challenge, ...] = ()

    @property
    def evidence(self) -> dict[str, object]:
        told: dict[str, object] = {"sent": self.method}
        if self.first is not None:
            told["answer"] = self.first.line
        if self.offered:
            told["realm"] = printable(self.offered[0].realm)
            told["algorithms"] = [printable(each.algorithm, 40) for each in self.offered]
        if self.challenge is not None:
            told["answered_with"] = self.challenge.algorithm
            told["answer_to_credentials"] = None if self.second is None else self.second.line
        return told


async def proves(place: Place, login: Login, hop: Hop, way: Way) -> Said:
    """What becomes of our credentials at this hop."""
    try:
        async with way.to(hop, place.where.host) as line:
            asked = await _ask(place, login, line, way.answer)
            return _judged(asked, place, login, line.us.host)
    except Unreached as error:
        return no_connection(hop, way, error)
    except ssl.SSLError as error:
        return skipped("no-tls", f"no TLS connection: {(error.reason or str(error)).lower()}")


async def _ask(place: Place, login: Login, line: Line, seconds: float) -> _Asked:
    if login.registers:
        return await _twice(_register(login, place), login, line, seconds)
    asked = await _twice(question(place, line), login, line, seconds)
    if asked.challenge is not None or asked.offered:
        return asked
    return await _twice(_invite(place, login, line), login, line, seconds)


def _register(login: Login, place: Place) -> Request:
    domain = login.domain or host_of(place.where.host)
    address = f"sip:{login.username}@{domain}"
    registrar = f"sip:{login.domain}" if login.domain else place.uri
    return Request(method="REGISTER", uri=registrar, caller=address, called=address, contact="")


def _invite(place: Place, login: Login, line: Line) -> Request:
    host = host_of(place.where.host)
    caller = f"sip:{login.caller or login.username}@{host}"
    called = place.uri.replace("sip:", f"sip:{NOBODY}@", 1)
    us = line.us.host
    family = "IP6" if ":" in us else "IP4"
    body = (
        f"v=0\r\no=- 1 1 IN {family} {us}\r\ns=-\r\nc=IN {family} {us}\r\nt=0 0\r\n"
        "m=audio 9 RTP/AVP 8 0\r\na=inactive\r\n"
    )
    return Request(method="INVITE", uri=called, caller=caller, called=called, body=body)


async def _twice(request: Request, login: Login, line: Line, seconds: float) -> _Asked:
    """Once bare, once with credentials; once more if the nonce was too old (RFC 7616 section 3.3)."""
    first = await _final(request, line, seconds)
    if first is None or first.status not in (401, 407):
        return _Asked(request.method, first, None, None)
    offered = tuple(challenges(first))
    challenge, second = best(list(offered)), None
    answered = None
    for _ in range(2):
        if challenge is None:
            break
        answered = challenge
        again = request.next(challenge.answer(login, request.method, request.uri))
        second = await _final(again, line, seconds)
        request.cseq = again.cseq
        stale = [] if second is None or second.status not in (401, 407) else challenges(second)
        challenge = best([each for each in stale if each.stale])
    return _Asked(request.method, first, answered, second, offered)


async def _final(request: Request, line: Line, seconds: float) -> Response | None:
    """The final response; an INVITE is acknowledged, and taken back as soon as it rings."""
    if request.method != "INVITE":
        return next((each for each in await line.ask(request, seconds) if each.status >= 200), None)
    final, heard = None, False
    try:
        async for response in line.responses(request, seconds):
            heard = True
            if response.status >= 200:
                final = response
                await line.send(request.ack(final, line.transport, line.us))
            elif response.status > 100:
                break
    finally:
        if heard:
            final = await left(line, request, final)
    return final


def _judged(asked: _Asked, place: Place, login: Login, us: str) -> Said:
    evidence, first, second = asked.evidence, asked.first, asked.second
    if first is None:
        return failed(
            "digest-silence",
            f"no answer to {asked.method}",
            f"Ask the carrier whether it takes calls from {us}.",
            **evidence,
        )
    if not asked.offered:
        return _unchallenged(asked, first, us)
    if asked.challenge is None:
        return failed(
            "digest-algorithm",
            f"the carrier asks for digests by {evidence['algorithms']}, none of which is known here",
            "Ask the carrier to offer MD5.",
            **evidence,
        )
    if second is None:
        return failed(
            "digest-silence",
            "no answer to the credentials, though the first request had one",
            "Ask the carrier: some drop whom they have shut out for wrong passwords.",
            **evidence,
        )
    if second.status in (401, 407):
        return _wrong(asked.challenge, place, login, evidence)
    return _taken(asked, second, us)


def _unchallenged(asked: _Asked, first: Response, us: str) -> Said:
    if first.status in (403, 603):
        return failed(
            "refused-unchallenged",
            f"the carrier says {first.line} without asking for credentials",
            f"It does not know us: ask it to let {us} in, or to ask for the password.",
            **asked.evidence,
        )
    return warning(
        "never-challenged",
        f"the carrier never asks for the password: it says {first.line} at once",
        "Nothing is to be done if the carrier knows us by our address. The password is not used, and was not tried: "
        "the trunk needs none.",
        **asked.evidence,
    )


def _wrong(challenge: Challenge, place: Place, login: Login, evidence: dict[str, object]) -> Said:
    realm = printable(challenge.realm)
    if foreign(challenge.realm, place.where.host, login.domain):
        return failed(
            "wrong-realm",
            f"the realm {realm} refuses the credentials, and is not that of {login.domain or place.where.host}",
            f"These are likely another server's credentials: ask the carrier for those of {realm}, or for the gateway "
            "that yours are for.",
            **evidence,
        )
    return failed(
        "bad-secret",
        f"the realm {realm} refuses the username {login.username} with this password",
        "Set both anew (`trunk.username`, `trunk.password`); mind spaces and letters alike.",
        **evidence,
    )


def _taken(asked: _Asked, second: Response, us: str) -> Said:
    evidence = asked.evidence
    if second.status in (403, 603):
        remedy = (
            f"Ask the carrier if the account is active and may call from {us}; some say so to a wrong password, too."
        )
        summary = f"the credentials were answered, and then the carrier says {second.line}"
        if asked.method == "INVITE":
            more = "It may mean the user that was called, who is nobody: a call tells (`verification.echo.to`). "
            return warning("refused-after-auth", summary, more + remedy, **evidence)
        return failed("refused-after-auth", summary, remedy, **evidence)
    if asked.method != "REGISTER" and not any(each.algorithm == "MD5" for each in asked.offered):
        return failed(
            "digest-sha-256-alone",
            "the credentials are right, but the carrier asks for SHA-256 alone, and the edge answers calls by MD5",
            "Ask the carrier to offer MD5 beside it.",
            **evidence,
        )
    return passed(f"the credentials are taken: {second.line} to {asked.method}", **evidence)


def foreign(realm: str, host: str, domain: str | None) -> bool:
    """Whether a realm is the name or address of somebody else's: `asterisk` is nobody's."""
    ours = [each.lower().removesuffix(".") for each in (host, domain) if each]
    named = realm.lower().removesuffix(".")
    if as_address(named) is None and not ("." in named and named.replace(".", "").replace("-", "").isalnum()):
        return False
    return not any(named == own or _kin(named, own) for own in ours)


def _kin(one: str, other: str) -> bool:
    """Names of one domain: `sip.carrier.example` and `carrier.example`, or two below it."""
    if as_address(one) is not None or as_address(other) is not None:
        return False
    return one.split(".")[-2:] == other.split(".")[-2:]
