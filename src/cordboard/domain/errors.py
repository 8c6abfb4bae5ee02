"""What can go wrong, as data.

A dialect turns these into its own words with one table, looked up by class order, so a subclass needs a
line there only where its base does not say enough. `retry` tells a client whether the same call may work later.
"""


class CordboardError(Exception):
    """Something was refused or could not be done."""

    retry = False

    def __str__(self) -> str:
        return super().__str__() or (type(self).__doc__ or "").splitlines()[0]


class Invalid(CordboardError, ValueError):
    """A value is not of the form it must have."""


class InvalidNumber(Invalid):
    """Neither an E.164 number nor a SIP address of the form user@domain."""


class InvalidHost(Invalid):
    """Neither a host name nor an IP address, with an optional port."""


class PrivateHost(Invalid):
    """The host is private or loopback, which this installation does not allow."""

    def __init__(self, host: str) -> None:
        super().__init__(
            f"{host} is a private or loopback host; set CORDBOARD_ALLOW_PRIVATE_HOSTS=true to allow such hosts"
        )
        self.host = host


class InvalidNetwork(Invalid):
    """Neither an IP address nor a CIDR range."""


class TooManyNetworks(Invalid):
    """The list of allowed addresses is longer than the edge can hold."""

    def __init__(self, count: int, limit: int) -> None:
        super().__init__(f"{count} separate networks; at most {limit} are possible")
        self.count = count
        self.limit = limit


class InvalidSipUri(Invalid):
    """Not a SIP URI that a call can be sent to."""


class TooManyGateways(Invalid):
    """A trunk has more gateways than one call can try."""

    def __init__(self, count: int, limit: int) -> None:
        super().__init__(f"{count} gateways; at most {limit} are possible")
        self.count = count
        self.limit = limit


class InvalidVerification(Invalid):
    """There is nothing of that kind to verify."""


class InvalidOption(Invalid):
    """A trunk's option does not have a value that the edge can hold calls to."""

    def __init__(self, option: str, why: str) -> None:
        super().__init__(f"{option}: {why}")
        #: The field of `trunks.TrunkOptions`, or of the trunk.
        self.option = option
        self.why = why


class InvalidUsername(Invalid):
    """A username for calls has characters or a length that SIP clients do not agree on."""


class InvalidHeader(Invalid):
    """A header field that an agent cannot be sent."""


class InvalidCodecs(Invalid):
    """Not a list of codecs that a call can be offered with."""


class InvalidName(Invalid):
    """A name is empty, too long or holds control characters."""


class InvalidReference(Invalid):
    """A customer's id has characters or a length that a URL cannot hold."""


class InvalidRows(Invalid):
    """Rows of an import cannot be told apart, or have columns that nothing is known of."""


class InvalidPassword(Invalid):
    """A password is too short, too long, or has characters that SIP clients do not agree on."""


class InvalidCallerName(Invalid):
    """A caller's name cannot stand in a SIP header."""


class InvalidExtension(Invalid):
    """Not a number that accounts of one tenant can dial each other by."""


class ExternalNumberMissing(Invalid):
    """An account that calls outside needs an external caller id to show."""


class NotTheTenantsNumber(Invalid):
    """The external caller id is no assigned number of the account's tenant."""

    def __init__(self, number: str) -> None:
        super().__init__(f"{number} is no assigned number of this tenant")
        self.number = number


class InvalidUrl(Invalid):
    """Not a URL that webhooks can be sent to."""


class InvalidEventFilter(Invalid):
    """No type of events."""

    def __init__(self, text: str) -> None:
        super().__init__(f"{text!r} is no type of events: write call.ended, call.* for all of calls, or *")
        self.text = text


class InvalidPermission(Invalid):
    """A permission that does not exist."""

    def __init__(self, permission: str, known: tuple[str, ...]) -> None:
        super().__init__(f"there is no permission {permission!r}; there are {', '.join(known)}")
        self.permission = permission


class NotFound(CordboardError):
    """There is no such object for this caller."""

    noun = "object"

    def __init__(self, ref: str) -> None:
        super().__init__(f"{self.noun} {ref} not found")
        self.ref = ref


class UnknownTenant(NotFound):
    """There is no such tenant."""

    noun = "tenant"


class UnknownKey(NotFound):
    """There is no such API key."""

    noun = "API key"


class UnknownImport(NotFound):
    """There is no such import."""

    noun = "import"


class UnknownOperator(NotFound):
    """There is no such operator."""

    noun = "operator"


class UnknownAccount(NotFound):
    """There is no such SIP account."""

    noun = "SIP account"


class UnknownNumber(NotFound):
    """There is no such number."""

    noun = "number"


class NotBanned(NotFound):
    """No ban of that address stands."""

    def __init__(self, address: str) -> None:
        super().__init__(f"{address} is not banned")
        self.address = address


class UnknownTrunk(NotFound):
    """There is no such trunk."""

    noun = "trunk"


class UnknownAgent(NotFound):
    """There is no such agent."""

    noun = "agent"


class UnknownVersion(NotFound):
    """There is no such agent version."""

    noun = "agent version"


class AgentGivenForVersion(UnknownVersion):
    """An agent's id stands where the id of one of its versions belongs."""

    def __init__(self, ref: str, published: str | None) -> None:
        super().__init__(ref)
        self.published = published

    def __str__(self) -> str:
        if self.published is None:
            return f"agent version {self.ref} not found: that is an agent, and it has no published version"
        return f"agent version {self.ref} not found: that is an agent; its published version is {self.published}"


class UnknownCall(NotFound):
    """There is no such call."""

    noun = "call"


class NothingKept(UnknownCall):
    """Neither a call nor a refusal has that id or Call-ID."""

    def __str__(self) -> str:
        return (
            f"nothing is kept of {self.ref}. Of banned sources, of a first challenge (401, 407) that was not answered "
            "and of more than ten refusals a second nothing ever is; the rest is there within two seconds"
        )


class UnknownEvent(NotFound):
    """There is no such event, or it is kept no longer."""

    noun = "event"


class UnknownVerification(NotFound):
    """There is no such verification, or it is kept no longer."""

    noun = "verification"


class UnknownWebhook(NotFound):
    """There is no such webhook."""

    noun = "webhook"


class UnknownSchedule(NotFound):
    """There is no such schedule."""

    noun = "schedule"


class UnknownEntry(NotFound):
    """There is no such entry of the catalogue."""

    noun = "catalogue entry"


class NoRecording(NotFound):
    """Nothing was recorded of the call, or it is kept no longer, or not yet made."""

    def __init__(self, call: str) -> None:
        super().__init__(f"there is no recording of call {call}")
        self.call = call


class UnknownCursor(NotFound):
    """A page was asked for relative to an object that does not exist."""

    noun = "cursor"


class Unauthenticated(CordboardError):
    """The credentials are missing or wrong."""


class MissingPermission(CordboardError):
    """The key does not carry the permission that this operation needs."""

    def __init__(self, permission: str) -> None:
        super().__init__(f"the key lacks the permission {permission}")
        self.permission = permission


class NotForCaller(CordboardError):
    """The operation is not for who calls."""

    def __init__(self, least: str) -> None:
        super().__init__(f"this takes the credentials of {least}")
        self.least = least


class Conflict(CordboardError):
    """The object exists already."""


class NumberTaken(Conflict):
    """The number has an owner already."""

    def __init__(self, number: str) -> None:
        super().__init__(f"{number} is already in use")
        self.number = number


class ReferenceTaken(Conflict):
    """Another tenant has that reference."""

    def __init__(self, reference: str) -> None:
        super().__init__(f"the reference {reference} is already in use")
        self.reference = reference


class UsernameTaken(Conflict):
    """Another agent or account, of whatever tenant, has that username."""

    def __init__(self, username: str) -> None:
        super().__init__(f"the username {username} is another agent's or account's; choose another one")
        self.username = username


class ExtensionTaken(Conflict):
    """Another account of the tenant has that internal caller id."""

    def __init__(self, extension: int) -> None:
        super().__init__(f"the internal caller id {extension} is another account's")
        self.extension = extension


class OperatorTaken(Conflict):
    """Another operator has that name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the name {name} is another operator's")
        self.name = name


class AmbiguousTenant(Conflict):
    """A name or reference fits several tenants."""

    def __init__(self, ref: str, ids: tuple[str, ...]) -> None:
        super().__init__(f"{ref} fits several tenants: say by its id which is meant")
        self.ref = ref
        self.ids = ids


class Refused(CordboardError):
    """The object's present state does not allow this."""


class AgentInUse(Refused):
    """Numbers lead to the agent, or it calls by them."""

    def __init__(self, name: str, numbers: int) -> None:
        super().__init__(
            f"{name} is the agent of {numbers} numbers: send them elsewhere first, or delete it with `detach`"
        )
        self.numbers = numbers


class ImportFinished(Refused):
    """The import takes no more rows."""

    def __init__(self, id: str) -> None:
        super().__init__(f"import {id} is finished; begin another one for further rows")


class OutOfPlace(Refused):
    """The rows are not those that come next in the import."""

    def __init__(self, position: int) -> None:
        super().__init__(f"the import goes on at from={position}: send the rows from there on")
        #: How many rows are done with.
        self.position = position


class AccountLimitReached(Refused):
    """The tenant has as many SIP accounts as it may."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"the tenant has reached its limit of {limit} SIP accounts")
        self.limit = limit


class TooManyWebhooks(Refused):
    """The tenant has as many webhooks as it may."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"there are {limit} webhooks already, which is as many as there may be")
        self.limit = limit


class OperatorHasCustomers(Refused):
    """An operator with customers is not deleted."""

    def __init__(self, name: str, customers: int) -> None:
        super().__init__(f"{name} still has {customers} customers; delete them first")
        self.customers = customers


class NotImported(Refused):
    """Only an imported number has a SIP configuration of its own."""

    def __init__(self, number: str) -> None:
        super().__init__(f"{number} is platform-owned; only imported numbers have a SIP configuration")


class PlatformsTrunk(Refused):
    """A platform-owned number has the platform's trunk for it, and no other number has that."""

    def __init__(self, number: str) -> None:
        super().__init__(f"{number} is platform-owned; it and the platform's trunk for it stay together")


class SystemTrunk(Refused):
    """The trunk is the platform's: it carries calls of everybody, and nobody but the administrator changes it."""

    def __init__(self, trunk: str) -> None:
        super().__init__(f"{trunk} is a system trunk, which only the administrator changes")
        self.trunk = trunk


class NotReleasable(Refused):
    """A number can be released only while it is assigned."""

    def __init__(self, number: str, status: str) -> None:
        super().__init__(f"{number} is {status}; only an assigned number can be released")


class NotAssignable(Refused):
    """The number's life cycle does not allow it to be assigned."""

    def __init__(self, number: str, status: str) -> None:
        super().__init__(f"{number} is {status} and cannot be assigned")


class NotRoutable(Refused):
    """A released number takes no agent."""

    def __init__(self, number: str, status: str) -> None:
        super().__init__(f"{number} is {status} and takes no agent any more")


class DraftVersion(Refused):
    """A draft version takes no real calls."""

    def __init__(self, version: str) -> None:
        super().__init__(f"agent version {version} is a draft; only a saved version can take calls")


class PublishedElsewhere(Refused):
    """Another number uses another published version of the agent, and an agent has one at a time."""

    def __init__(self, published: str) -> None:
        super().__init__(
            f"the agent's version {published} is published on another number, and an agent has one published "
            "version at a time"
        )
        self.published = published


class CallNotStanding(Refused):
    """The call rings still, or is over already: there is nothing to hang up."""

    def __init__(self, call: str, state: str) -> None:
        rings = "it has not been answered yet" if state == "started" else "it is over"
        super().__init__(f"call {call} cannot be ended: {rings}")
        self.call = call


class SharedAddress(Refused):
    """Agents of two tenants would be known by one address alone, and nobody could tell whose call it is."""

    def __init__(self, network: str) -> None:
        super().__init__(
            f"shared-address: {network} overlaps a range from which an agent of another tenant calls; use credentials"
        )
        self.network = network


class TwoVersionsOfOneAgent(Refused):
    """One number cannot use two versions of one agent, of which one alone can be published."""


class GatewayMissing(Refused):
    """Outbound settings need a termination address, and the trunk has none."""


class PreconditionFailed(Refused):
    """It has been changed since: read it again, and decide again."""


class KeyReused(Invalid):
    """The Idempotency-Key was used for another request: take a new one."""


class AnswerLost(Refused):
    """The request of this Idempotency-Key was carried out, and its answer was lost: look at what is there now."""


class Unavailable(CordboardError):
    """The service cannot take this now; the same call may work later."""

    retry = True
    #: Seconds after which a client should try again.
    retry_after = 1


class TooBusy(Unavailable):
    """More writes wait than the store takes; nothing was changed."""


class TooManyVerifications(Unavailable):
    """As many verifications wait for their turn as one tenant, or all together, may have."""

    retry_after = 30

    def __init__(self) -> None:
        super().__init__("as many verifications wait for their turn as may; nothing was begun")


class TooManyLogins(Unavailable):
    """Ten logins of one address were wrong within a minute; no more of it are looked at until the minute is over."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"too many logins from your address were wrong; try again in {retry_after} seconds")
        self.retry_after = retry_after


class StoreUnavailable(Unavailable):
    """The database cannot be reached or cannot write now; a change under way may or may not have been made."""


class StillRunning(Unavailable):
    """The first request of this Idempotency-Key is still running."""


class EdgeUnavailable(Unavailable):
    """The edge does not answer, or this server runs without one."""


class NotApplied(Unavailable):
    """The change is stored, but the edge has not taken it yet."""

    def __init__(self, revision: int) -> None:
        super().__init__(f"stored as revision {revision}, not yet applied at the edge")
        self.revision = revision


class EdgeRefused(CordboardError):
    """The edge's database would not take the change; nothing was changed."""

    retry = True


class ProviderFailed(CordboardError):
    """LiveKit refused or did not answer; nothing was changed."""

    retry = True


class BeingChanged(Unavailable):
    """Another request changes the same object at LiveKit now."""


class NoProvider(Refused):
    """This server has no LiveKit: CORDBOARD_LIVEKIT_URL is not set."""


class TooMuchWouldGo(Refused):
    """More would be deleted at LiveKit than anybody deletes by the way."""

    def __init__(self, deleted: int, all: int) -> None:
        super().__init__(f"{deleted} of {all} objects would be deleted at LiveKit; say that this is meant")
        self.deleted = deleted
