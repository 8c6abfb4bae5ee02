"""What advice calls a field of the API, as an option of the command that sets it."""

from typing import Final

from cordboard.domain.wording import worded

#: A test compares them with the commands and with what advice names.
OPTIONS: Final = {
    "trunk.allowed_addresses": "--allowed-address",
    "trunk.inbound_username": "--inbound-username",
    "trunk.inbound_password": "--inbound-password",
    "trunk.username": "--username",
    "trunk.password": "--password",
    "trunk.media_in": "--media-in",
    "trunk.probe": "--probe",
    "trunk.options.country_code": "--country-code",
    "trunk.options.number_format": "--number-format",
    "trunk.options.registration.domain": "--register-domain",
    "trunk.options.registration.expires": "--register-seconds",
    "account.allowed_ips": "--allowed-ips",
    "import.on_conflict": "--on-conflict",
    "import.trunk": "--trunk",
    "verification.echo": "--echo",
    "verification.echo.to": "--echo-to",
}


def advised(advice: str) -> str:
    """Advice with options in place of fields."""
    return worded(advice, _option)


def _option(field: str, value: str | None) -> str:
    option = OPTIONS.get(field, field)
    match value:
        case None | "true":
            return option
        case "false":
            return f"--no-{option.removeprefix('--')}"
        case _:
            return f"{option} {value}"
