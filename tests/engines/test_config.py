"""What is generated for the engines: read by a person once, held here."""

import re
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cordboard.domain.addresses import MAX_NETWORKS, collapse
from cordboard.engines.edge import config
from cordboard.engines.edge.config import EdgeFailed, EdgeOptions, Ports

PORTS = Ports(ng=2223, decide=8090)
FOLDER = Path("/srv/cordboard/edge")
OPTIONS = EdgeOptions(data=Path("/srv/cordboard"))
KEY = "0" * 64
KAMAILIO_CFG = "\n".join(config.kamailio_cfg().values())


def test_text_of_a_message_enters_sql_in_hexadecimal_alone() -> None:
    """Kamailio's escapes use a backslash, which SQLite does not know."""
    queries = re.findall(r"sql_\w*query\w*\((.*?)\)(?= &&| \|\||\)|;)", KAMAILIO_CFG)
    assert queries
    names = "|".join(name.upper() for name in (*config.STATEMENTS, *config.EVENT_STATEMENTS))
    for arguments in queries:
        assert re.fullmatch(
            rf'"(edge|events)", (({names})_SQL(, "\w+")?|"(begin immediate|commit|rollback)")'
            '|"dialogs", "pragma synchronous = off"',
            arguments,
        ), arguments
    for line in config.local_cfg(OPTIONS, FOLDER, PORTS, KEY).splitlines():
        if re.match(r"#!define \w+_SQL ", line):
            rest = re.sub(r"cast\(x'\$\(var\([a-z_]+\)\{s\.encode\.hexa\}\)' as text\)", "VALUE", line)
            assert not re.search(r"[$]|:[a-z]", rest), rest
    # two escapes are for regular expressions
    text = KAMAILIO_CFG.replace("$(msg(fpart){s.escape.common}) =~", "")
    text = text.replace("$var(response) = $(rcv(buf){s.escape.common});", "")
    for forbidden in (
        "escape.common",
        "sql.val",
        "sql_xquery",
        "sql_pvquery",
        "avp_db_query",
        "$Au",
        "sql_query_async",
    ):
        assert forbidden not in text


def test_each_statement_is_one_line_with_its_names_kept() -> None:
    assert config.sql("decide").startswith("select n.number_id, ")
    assert set(re.findall(r":([a-z]+)", config.sql("decide"))) == {"address", "digits"}
    for name in config.STATEMENTS:
        assert not set('"!') & set(config.sql(name)), name


def test_the_longest_list_fits_the_buffer() -> None:
    longest = collapse(
        f"2001:db8:1111:1111:1111:1111:{i:x}:1000/128" for i in range(0x1000, 0x1000 + 2 * MAX_NETWORKS, 2)
    )
    match = re.search(r"#!define BUFFER_SIZE (\d+)", config.local_cfg(OPTIONS, FOLDER, PORTS, KEY))
    assert match
    assert len(",".join(longest)) < int(match[1])


@pytest.mark.calls
@pytest.mark.parametrize(
    "options",
    [
        OPTIONS,
        replace(OPTIONS, sip_listen=("127.0.0.1:5060", "[::1]:5060"), sip_advertise="203.0.113.5:5060"),
        replace(OPTIONS, tls_listen="127.0.0.1:5061"),
        replace(OPTIONS, tls_listen="127.0.0.1:5061", sip_advertise="203.0.113.5"),
        replace(OPTIONS, sip_listen=("[::1]:5060",)),
    ],
)
def test_kamailio_takes_the_configuration(tmp_path: Path, options: EdgeOptions) -> None:
    (tmp_path / "local.cfg").write_text(config.local_cfg(options, tmp_path, PORTS, KEY))
    for name, text in config.kamailio_cfg().items():
        (tmp_path / name).write_text(text)
    kamailio = config.kamailio_command(tmp_path)[0]
    done = subprocess.run(
        [kamailio, "-c", "-M", "64", "-f", tmp_path / "kamailio.cfg"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    # the certificate is looked at when it starts
    assert not [line for line in done.stderr.splitlines() if "ERROR" in line and "tls" not in line]


def test_addresses_become_listeners() -> None:
    text = config.local_cfg(
        replace(
            OPTIONS,
            sip_listen=("192.0.2.1:5060", "[2001:db8::1]:5060"),
            tls_listen="192.0.2.1:5061",
            sip_advertise="203.0.113.5:5080",
        ),
        FOLDER,
        PORTS,
        KEY,
    )
    assert [line for line in text.splitlines() if line.startswith("listen=")] == [
        "listen=udp:192.0.2.1:5060 advertise 203.0.113.5:5080",
        "listen=tcp:192.0.2.1:5060 advertise 203.0.113.5:5080",
        "listen=udp:[2001:db8::1]:5060",
        "listen=tcp:[2001:db8::1]:5060",
        "listen=tls:192.0.2.1:5061 advertise 203.0.113.5:5061",
        "listen=tcp:127.0.0.1:8090",
    ]


@pytest.mark.parametrize(
    ("changes", "v4", "v6", "tls"),
    [
        ({"sip_listen": ("192.0.2.1:5070", "192.0.2.2:5060")}, "192.0.2.1:5070", "none", "none"),
        ({"sip_listen": ("[2001:db8::1]:5060",)}, "none", "[2001:db8::1]:5060", "none"),
        (
            {"sip_listen": ("192.0.2.1:5070", "[2001:db8::1]:5060"), "sip_advertise": "203.0.113.5"},
            *("203.0.113.5:5070", "[2001:db8::1]:5060", "none"),
        ),
        (
            {"sip_listen": ("192.0.2.1:5060",), "tls_listen": "192.0.2.1:5061", "sip_advertise": "sip.test:5080"},
            *("sip.test:5080", "none", "sip.test:5061"),
        ),
    ],
)
def test_contacts_are_where_we_are_reached(changes: dict[str, Any], v4: str, v6: str, tls: str) -> None:
    text = config.local_cfg(replace(OPTIONS, **changes), FOLDER, PORTS, KEY)
    for name, value in (("V4", v4), ("V6", v6), ("TLS", tls)):
        assert f'#!substdef "!CONTACT_{name}!{value}!g"' in text.splitlines()


def test_what_cannot_be_advertised_is_refused() -> None:
    with pytest.raises(EdgeFailed, match="can name"):
        config.local_cfg(replace(OPTIONS, sip_advertise="a b\nlisten=udp:0.0.0.0:1"), FOLDER, PORTS, KEY)


def test_rtpengine_reads_no_file_of_the_machine_and_all_ports_are_ours() -> None:
    command = config.rtpengine_command(
        replace(OPTIONS, media_address="192.0.2.9", media_advertise="203.0.113.9"), FOLDER, PORTS
    )
    assert {
        "--config-file=/srv/cordboard/edge/rtpengine.conf",
        "--interface=192.0.2.9!203.0.113.9",
        "--listen-ng=127.0.0.1:2223",
        "--port-min=30000",
        "--port-max=39999",
        "--delete-delay=0",
        "--foreground",
        "--log-stderr",
    } <= set(command)


def test_where_calls_are_ended_stands_on_no_command_line() -> None:
    path = config.end_path(KEY)
    assert path in config.rtpengine_conf(PORTS, KEY)
    assert path in config.local_cfg(OPTIONS, FOLDER, PORTS, KEY)
    assert path != config.end_path("1" * 64)
    assert not [word for word in config.rtpengine_command(OPTIONS, FOLDER, PORTS) if path in word]


def test_media_goes_to_the_sip_address_unless_told() -> None:
    assert "--interface=127.0.0.1" in config.rtpengine_command(OPTIONS, FOLDER, PORTS)


@pytest.mark.parametrize("folder", ["/srv/with space", '/srv/"quoted"', "/srv/$money", "/srv/now!"])
def test_a_path_that_kamailio_cannot_read_is_refused(folder: str) -> None:
    with pytest.raises(EdgeFailed, match="Kamailio cannot read"):
        config.local_cfg(OPTIONS, Path(folder), PORTS, KEY)


def test_the_fingerprint_tells_configurations_apart(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text("1")
    first = config.fingerprint([str(program), "-a"], "text")
    assert first == config.fingerprint([str(program), "-a"], "text")
    assert first != config.fingerprint([str(program), "-b"], "text")
    assert first != config.fingerprint([str(program), "-a"], "another text")
    program.write_text("22")
    assert first != config.fingerprint([str(program), "-a"], "text")


@pytest.mark.parametrize(
    ("machine", "shared", "calls"), [(512, 256, 18_461), (1024, 512, 92_307), (2880, 1440, 360_000), (256, 192, 3600)]
)
def test_a_small_machine_gives_half_of_its_memory_and_lets_fewer_events_wait(
    machine: int, shared: int, calls: int
) -> None:
    assert config.shared_megabytes(machine) == shared
    assert config.queues(machine)["CALL_EVENTS"] == calls
