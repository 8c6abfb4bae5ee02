"""Set-up: what `make install` does on machines of different kinds.

apt-get and dpkg-query are stand-ins here, because the real ones would change the machine. Everything else is
real: for what happens as root, the script runs in a mount namespace in which /etc and /usr/sbin are copies.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

ROOT = Path(__file__).parent.parent
NOBODY = 65534


def _own_mounts() -> bool:
    """Whether this user may have a mount namespace: root, and not in a container that forbids it."""
    return subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode == 0


as_root = pytest.mark.skipif(not _own_mounts(), reason="NOT RUN: needs a mount namespace with its own /etc")

#: Answers for the packages named in $HERE/installed, lines of `PACKAGE VERSION`.
DPKG_QUERY = """#!/bin/sh
for package; do :; done
awk -v p="$package" '$1 == p { print "installed", $2; found = 1 } END { exit !found }' $HERE/installed
"""

#: Does to the machine what the maintainer scripts do, and notes what they would have found.
APT_GET = """#!/bin/sh
echo "$*" >>$HERE/apt-get.log
case " $* " in *" install "*) ;; *) exit 0 ;; esac
[ -x /usr/sbin/policy-rc.d ] && /usr/sbin/policy-rc.d kamailio start; echo "policy $?" >>$HERE/found
cat /etc/postgresql-common/createcluster.conf >>$HERE/found
ln -s /lib/systemd/system/kamailio.service /etc/systemd/system/multi-user.target.wants/kamailio.service
[ ! -e $HERE/apt-fails ] || exit 100
for package; do :; done
cp $HERE/after-install $HERE/installed
"""

SHIPPED_CLUSTER_DEFAULTS = Path("/usr/share/postgresql-common/createcluster.conf")
RUN_TIME = ("kamailio", "kamailio-sqlite-modules", "kamailio-tls-modules", "rtpengine-daemon")
OLD, NEW = "10.5.3.5-1", "10.5.3.5-1+deb12u1"


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A folder that anybody may read, with the script and the stand-ins in it."""

    here: Path

    def installed(self, *packages: str, rtpengine: str = NEW, after: bool = False) -> None:
        """Say which packages there are: now, or once apt-get has run."""
        versions = [f"{name} {rtpengine if name == 'rtpengine-daemon' else '1'}" for name in packages]
        (self.here / ("after-install" if after else "installed")).write_text("\n".join(versions) + "\n")

    def run(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        environment = {"HERE": str(self.here), "PATH": f"{self.here}/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
        return subprocess.run(words, cwd="/", env=environment, capture_output=True, text=True, check=False, timeout=60)

    def as_nobody(self) -> subprocess.CompletedProcess[str]:
        drop = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"] if os.geteuid() == 0 else []
        return self.run(*drop, self.here / "scripts/packages.sh")

    def as_root(self) -> subprocess.CompletedProcess[str]:
        """Run on copies of /etc and /usr/sbin, which stay in `here` to be looked at."""
        return self.run(
            "unshare",
            "--mount",
            "sh",
            "-c",
            "mount --bind $HERE/etc /etc && mount --bind $HERE/sbin /usr/sbin && exec $HERE/scripts/packages.sh",
        )


@pytest.fixture
def machine() -> Iterator[Machine]:
    with TemporaryDirectory() as directory:
        here = Path(directory)
        here.chmod(0o755)
        (here / "scripts").mkdir()
        (here / "bin").mkdir()
        shutil.copy(ROOT / "scripts/packages.sh", here / "scripts")
        for name, text in (("dpkg-query", DPKG_QUERY), ("apt-get", APT_GET)):
            (here / "bin" / name).write_text(text)
            (here / "bin" / name).chmod(0o755)
        machine = Machine(here=here)
        machine.installed()
        machine.installed(*RUN_TIME, after=True)
        yield machine


@pytest.fixture
def bare_machine(machine: Machine) -> Machine:
    """One for root, where nobody has said yet which services may start and which clusters there are."""
    subprocess.run(["cp", "-a", "/etc", machine.here / "etc"], check=True)
    subprocess.run(["cp", "-a", "/usr/sbin", machine.here / "sbin"], check=True)
    (machine.here / "sbin/policy-rc.d").unlink(missing_ok=True)
    shutil.rmtree(machine.here / "etc/postgresql-common", ignore_errors=True)
    wants = machine.here / "etc/systemd/system/multi-user.target.wants"
    wants.mkdir(parents=True, exist_ok=True)
    (wants / "kamailio.service").unlink(missing_ok=True)
    return machine


def test_without_root_a_missing_package_ends_in_one_command_to_run(machine: Machine) -> None:
    machine.installed("kamailio", "kamailio-sqlite-modules", "rtpengine-daemon")
    run = machine.as_nobody()
    assert run.returncode == 1
    assert run.stdout == ""
    assert "kamailio-tls-modules" in run.stderr
    assert re.findall(r"^    (.+)$", run.stderr, re.M) == [f"sudo {machine.here}/scripts/packages.sh"]
    assert not (machine.here / "apt-get.log").exists()


def test_without_root_all_packages_there_is_enough(machine: Machine) -> None:
    machine.installed(*RUN_TIME)
    run = machine.as_nobody()
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def test_an_rtpengine_without_the_security_fix_does_not_count(machine: Machine) -> None:
    machine.installed(*RUN_TIME, rtpengine=OLD)
    run = machine.as_nobody()
    assert run.returncode == 1
    assert "too old: rtpengine-daemon\n" in run.stderr


@pytest.mark.slow
@as_root
def test_the_packages_come_without_running_a_service(bare_machine: Machine) -> None:
    run = bare_machine.as_root()
    assert run.returncode == 0, run.stderr
    update, install = (bare_machine.here / "apt-get.log").read_text().splitlines()
    assert update.endswith(" update")
    assert install.endswith("install --yes --no-install-recommends " + " ".join(RUN_TIME))
    found = (bare_machine.here / "found").read_text()
    assert "policy 101\n" in found
    assert "create_main_cluster = false\n" in found
    assert_nothing_is_left(bare_machine)


@pytest.mark.slow
@as_root
def test_nothing_is_left_when_apt_get_fails(bare_machine: Machine) -> None:
    (bare_machine.here / "apt-fails").touch()
    run = bare_machine.as_root()
    assert run.returncode == 1
    assert "could not install: kamailio " in run.stderr
    assert_nothing_is_left(bare_machine)


def assert_nothing_is_left(machine: Machine) -> None:
    assert not (machine.here / "sbin/policy-rc.d").exists()
    defaults = machine.here / "etc/postgresql-common/createcluster.conf"
    assert not defaults.exists() or defaults.read_text() == SHIPPED_CLUSTER_DEFAULTS.read_text()
    assert not (machine.here / "etc/systemd/system/multi-user.target.wants/kamailio.service").is_symlink()


@pytest.mark.slow
@as_root
def test_what_the_machine_had_stays_as_it_was(bare_machine: Machine) -> None:
    policy = bare_machine.here / "sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101 # the owner's\n")
    policy.chmod(0o755)
    defaults = bare_machine.here / "etc/postgresql-common/createcluster.conf"
    defaults.parent.mkdir()
    defaults.write_text("ssl = off\n")
    enabled = bare_machine.here / "etc/systemd/system/multi-user.target.wants/ours.service"
    enabled.symlink_to("/lib/systemd/system/ours.service")

    assert bare_machine.as_root().returncode == 0

    assert "the owner's" in policy.read_text()
    assert defaults.read_text() == "ssl = off\n"
    assert enabled.is_symlink()


@pytest.mark.slow
@as_root
def test_root_is_told_when_the_sources_have_only_an_old_rtpengine(bare_machine: Machine) -> None:
    bare_machine.installed(*RUN_TIME, rtpengine=OLD, after=True)
    run = bare_machine.as_root()
    assert run.returncode == 1
    assert f"needs {NEW} or later" in run.stderr


def locked(name: str) -> dict[str, str]:
    """Package to version, of a lock file."""
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", (ROOT / name).read_text(), re.M))


def test_the_locks_agree_and_name_no_index() -> None:
    run_time, dev = locked("requirements.lock"), locked("requirements-dev.lock")
    assert run_time.items() <= dev.items()
    for name in ("requirements.lock", "requirements-dev.lock"):
        assert "://" not in (ROOT / name).read_text()


@pytest.mark.slow
def test_a_fresh_clone_installs_itself_and_then_has_nothing_to_do(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True, timeout=60)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "PYTHON"))}

    def make_install() -> str:
        command = ["make", "--silent", "-C", clone, "install"]
        return subprocess.run(command, env=environment, check=True, capture_output=True, text=True, timeout=540).stdout

    assert "Making .venv" in make_install()
    where = "import cordboard; print(cordboard.__file__)"
    python = clone / ".venv/bin/python"
    module = subprocess.run([python, "-c", where], cwd="/", check=True, capture_output=True, text=True).stdout
    assert Path(module.strip()).is_relative_to(clone / "src")
    assert (clone / ".venv/bin/cordboard").exists()
    assert make_install() == ""


def test_without_go_livekit_is_not_built_and_that_is_said(tmp_path: Path) -> None:
    """The tests that need it are then not run, each with this as its reason."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in "bash dirname awk mkdir flock rm cat".split():
        (tools / tool).symlink_to(shutil.which(tool) or "")
    run = subprocess.run(
        ["bash", ROOT / "scripts/livekit.sh"],
        env={"PATH": str(tools), "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == 0
    assert "its tests will not run: this machine has no Go" in run.stderr
    assert "no Go" in (tmp_path / "cache/cordboard/livekit/why-not").read_text()
