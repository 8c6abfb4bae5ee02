"""Advice that gives an agent another version: a version is whole, so all that the one before says is said again."""

from cordboard.domain.agents import AgentVersion
from cordboard.domain.explain import Remedy, Request


def another_version(version: AgentVersion, says: str, *, username: str | None = None) -> Remedy:
    """Make and publish a version that says what this one does. Passwords are nothing to show.

    The username with which the agent calls stays with its password, unless it is given: then the password is new.
    """
    again = (
        "" if version.to_credentials is None else " Its username and password at the platform are to be given again."
    )
    words = [word for each in version.from_addresses for word in ("--from-address", each)]
    words += [word for each in version.headers for word in ("--header", ": ".join(each))]
    words += [word for each in version.codecs for word in ("--codec", each)]
    words += [] if username is None else ["--username", username]
    words += [] if version.tls_verify else ["--no-tls-verify"]
    body: dict[str, object] = {
        "sip_uri": version.sip_uri,
        "encryption": str(version.encryption),
        "from_addresses": list(version.from_addresses),
        "headers": [{"name": name, "value": value} for name, value in version.headers],
        "codecs": list(version.codecs),
        "tls_verify": version.tls_verify,
    } | ({} if username is None else {"username": username})
    return Remedy(
        says=f"{says}{again}",
        commands=(
            (
                *("agent", "version", "create", "--agent", version.agent, "--sip-uri", version.sip_uri),
                *("--encryption", str(version.encryption), *words),
            ),
            ("agent", "version", "publish", "--agent", version.agent, "--version", "VERSION"),
        ),
        requests=(
            Request("POST", f"/agents/{version.agent}/versions", body),
            Request("PUT", f"/agents/{version.agent}/published-version", {"version_id": "VERSION"}),
        ),
    )
