"""A real SLURM cluster of one node on this machine, for tests.

munged, mariadbd, slurmdbd, slurmctld and slurmd listen on loopback ports that were free; keys,
database, spool and logs lie in one folder. Only slurm.conf, gres.conf and cgroup.conf are written
elsewhere, to /etc/slurm, since job steps find the cluster there and nowhere else.
"""

import fcntl
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from patience import patience

CONFIGURATION = Path("/etc/slurm")
CLAIM = Path(tempfile.gettempdir()) / "multiprune-slurm.lock"  # names the folder of the last run
MARK = "# Written by tests/cluster/daemons.py: removed when the tests end.\n"
COMMANDS = ("sbatch", "srun", "sacct", "sacctmgr", "scontrol", "sinfo", "squeue", "scancel")
LISTENING = ("slurmctld", "slurmd", "slurmdbd", "mariadbd")
DAEMONS = ("munged", "mariadb-install-db", "mariadbd", "slurmdbd", "slurmctld", "slurmd")
PATIENCE = patience(180)  # seconds that a daemon gets to answer or to end
PARTITION = "test"
ACCOUNT = "experiments"
GPUS = 2
CORES = 2

SLURM_CONF = """\
ClusterName=multiprune
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={slurmctld}
SlurmdPort={slurmd}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
StateSaveLocation={folder}/slurmctld.state
SlurmdSpoolDir={folder}/slurmd.spool
SlurmctldPidFile={folder}/slurmctld.own.pid
SlurmdPidFile={folder}/slurmd.own.pid
# The test beds have no cgroups: processes are followed by their parents, memory is polled.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
KillWait=2
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=bf_interval=2,sched_min_interval=200000
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={slurmdbd}
AccountingStoragePass={folder}/munge.socket
AccountingStorageTRES=gres/gpu
AccountingStoreFlags=job_comment
AccountingStorageEnforce=associations,limits,qos
# A job that no node can ever run is refused when it is submitted.
EnforcePartLimits=ALL
MinJobAge=300
ReturnToService=2
GresTypes=gpu
# As many cores and as much memory as the tests ask for, whatever the machine has.
SlurmdParameters=config_overrides
NodeName=localhost NodeHostname={host} NodeAddr=127.0.0.1 CPUs={cores} RealMemory=16000 \
Gres=gpu:{gpus} State=UNKNOWN
PartitionName={partition} Nodes=localhost Default=YES MaxTime=1-00:00:00 State=UP
"""
# Devices to count, not to compute on.
GRES_CONF = """\
NodeName=localhost Name=gpu File=/dev/null
NodeName=localhost Name=gpu File=/dev/zero
"""
CGROUP_CONF = "CgroupAutomount=no\n"
SLURMDBD_CONF = """\
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort={slurmdbd}
SlurmUser=root
PidFile={folder}/slurmdbd.own.pid
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={mariadbd}
StorageUser=slurm
StoragePass={password}
StorageLoc=slurm_acct_db
"""


class ClusterError(Exception):
    """A daemon did not start or end; the message holds the end of its log."""


def missing() -> str:
    """Why no cluster can be started here, or nothing."""
    names = [name for name in (*COMMANDS, *DAEMONS) if shutil.which(name, path=search()) is None]
    if names:
        return f"not installed: {', '.join(names)} (.ci/install-packages installs them)"
    if os.geteuid() != 0:
        return "slurmd and /etc/slurm need root"
    for path in configuration_files():
        if path.exists() and not path.read_text().startswith(MARK):
            return f"{path} belongs to another cluster"
    return ""


def search() -> str:
    """Folders in which daemons are looked for: Debian keeps them off a user's PATH."""
    return os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])


def configuration_files() -> list[Path]:
    """The files that a running cluster has in /etc/slurm."""
    return [CONFIGURATION / name for name in ("slurm.conf", "gres.conf", "cgroup.conf")]


class Cluster:
    """Daemons with their state in one folder; `start` and `stop` are to be called once each."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.host = socket.gethostname().split(".")[0]
        self.ports = dict(zip(LISTENING, free_ports(len(LISTENING)), strict=True))
        self.password = secrets.token_hex(8)
        self.processes: dict[str, subprocess.Popen] = {}

    def start(self) -> None:
        """Start every daemon, each once the one before it answers; on failure stop them all.

        Only one cluster can use /etc/slurm: ClusterError while tests elsewhere have one running.
        """
        self.claim_configuration()
        try:
            self.write_configuration()
            self.start_munge()
            self.start_database()
            self.start_accounting()
            self.start_controller()
            self.start_node()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Cancel all jobs, end the daemons in reverse order and remove the configuration."""
        if "slurmctld" in self.processes:
            with suppress(subprocess.SubprocessError, ClusterError):
                command("scancel", "--user=root")
                self.wait("jobs to end", lambda: not command("squeue", "--noheader"))
        for name in reversed(list(self.processes)):
            self.end(name)
        for path in configuration_files():
            if path.exists() and path.read_text().startswith(MARK):
                path.unlink()
        self.claim.truncate(0)
        self.claim.close()

    def claim_configuration(self) -> None:
        """Hold /etc/slurm until this process ends; end the daemons of one that was killed."""
        CONFIGURATION.mkdir(exist_ok=True)
        self.claim = open(CLAIM, "a+")  # noqa: SIM115
        try:
            fcntl.flock(self.claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ClusterError(f"another test run uses {CONFIGURATION}; wait for it") from None
        self.claim.seek(0)
        if left := self.claim.read():
            for path in Path(left).glob("*.pid"):
                end_left_over(path)
        self.claim.truncate(0)
        self.claim.write(str(self.folder))
        self.claim.flush()

    def write_configuration(self) -> None:
        """Configuration files of all daemons, none of which is left from another cluster."""
        self.folder.chmod(0o755)  # munged refuses a socket that others cannot reach
        values = {
            **self.ports,
            "host": self.host,
            "folder": self.folder,
            "partition": PARTITION,
            "cores": CORES,
            "gpus": GPUS,
            "password": self.password,
        }
        texts = (SLURM_CONF, GRES_CONF, CGROUP_CONF)
        for path, text in zip(configuration_files(), texts, strict=True):
            path.write_text(MARK + text.format(**values))
        accounting = self.folder / "slurmdbd.conf"
        accounting.touch(mode=0o600)
        accounting.write_text(SLURMDBD_CONF.format(**values))

    def start_munge(self) -> None:
        """Authentication, with a key and a socket of its own."""
        key, socket_path = self.folder / "munge.key", self.folder / "munge.socket"
        key.touch(mode=0o600)
        key.write_bytes(secrets.token_bytes(128))
        files = {
            "key-file": key,
            "socket": socket_path,
            "pid-file": self.folder / "munged.own.pid",
            "log-file": self.folder / "munged.own.log",
            "seed-file": self.folder / "munge.seed",
        }
        options = [f"--{name}={path}" for name, path in files.items()]
        self.launch("munged", "--foreground", "--force", *options)
        self.wait("munged", socket_path.exists, "munged")

    def start_database(self) -> None:
        """MariaDB with the database and the user that slurmdbd asks for."""
        data = self.folder / "database"
        common = ["--no-defaults", f"--datadir={data}", "--user=root"]
        command("mariadb-install-db", *common, "--skip-test-db")
        script = self.folder / "database.sql"
        script.touch(mode=0o600)
        script.write_text(
            "CREATE DATABASE IF NOT EXISTS slurm_acct_db;\n"
            f"CREATE OR REPLACE USER slurm@'127.0.0.1' IDENTIFIED BY '{self.password}';\n"
            "GRANT ALL ON slurm_acct_db.* TO slurm@'127.0.0.1';\n"
        )
        self.launch(
            "mariadbd",
            *common,
            "--bind-address=127.0.0.1",
            f"--port={self.ports['mariadbd']}",
            f"--socket={self.folder / 'mariadb.socket'}",
            f"--pid-file={self.folder / 'mariadbd.own.pid'}",
            f"--init-file={script}",
            "--skip-name-resolve",
            "--innodb-lock-wait-timeout=900",
        )
        self.wait("mariadbd", lambda: answers(self.ports["mariadbd"]), "mariadbd")

    def start_accounting(self) -> None:
        """slurmdbd, without which the plugin's status command would hang, and the cluster in it."""
        # It reads the slurmdbd.conf that lies beside SLURM_CONF.
        configuration = {"SLURM_CONF": str(self.folder / "slurm.conf")}
        self.launch("slurmdbd", "-D", environment=configuration)
        self.wait("slurmdbd", lambda: answers(self.ports["slurmdbd"]), "slurmdbd")
        manage = ("sacctmgr", "--immediate", "--quiet")
        command(*manage, "add", "cluster", "multiprune")
        command(*manage, "add", "account", ACCOUNT, "Cluster=multiprune")
        command(*manage, "add", "user", "root", f"Account={ACCOUNT}")

    def start_controller(self) -> None:
        """slurmctld; called again after `end("slurmctld")`, it goes on from its saved state."""
        self.launch("slurmctld", "-D", "-i")
        self.wait("slurmctld", lambda: "UP" in attempt("scontrol", "ping"), "slurmctld")

    def start_node(self) -> None:
        """slurmd, until the node takes jobs."""
        self.launch("slurmd", "-D")
        self.wait("the node", lambda: "idle" in attempt("sinfo", "-h", "-o", "%T"), "slurmd")

    def launch(self, name: str, *options: str, environment: dict[str, str] | None = None) -> None:
        """Start a daemon in the foreground, its log and its process id in the folder."""
        program = shutil.which(name, path=search())
        with open(self.folder / f"{name}.log", "ab") as log:
            process = subprocess.Popen(
                [program, *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=os.environ | (environment or {}),
                start_new_session=True,
            )
        self.processes[name] = process
        (self.folder / f"{name}.pid").write_text(f"{process.pid}\n")

    def end(self, name: str) -> None:
        """End a daemon and wait for it; one that ignores the request is killed."""
        process = self.processes.pop(name)
        process.terminate()
        try:
            process.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        (self.folder / f"{name}.pid").unlink(missing_ok=True)

    def wait(self, what: str, ready: Callable[[], object], daemon: str = "") -> None:
        """Until `ready()`; an error shows the end of the daemon's log."""
        deadline = time.monotonic() + PATIENCE
        while not ready():
            process = self.processes.get(daemon)
            ended = process is not None and process.poll() is not None
            if ended or time.monotonic() > deadline:
                log = self.folder / f"{daemon}.log"
                lines = log.read_text(errors="replace").splitlines() if log.exists() else []
                reason = "ended" if ended else f"not there after {PATIENCE} s"
                raise ClusterError("\n".join([f"{what}: {reason}", *lines[-15:]]))
            time.sleep(0.1)


@contextmanager
def started() -> Iterator[Cluster]:
    """A running cluster, whose daemons and folder are gone afterwards."""
    # Not pytest's own folder: that one is closed to other users, which munged refuses.
    folder = Path(tempfile.mkdtemp(prefix="multiprune-slurm-"))
    running = Cluster(folder)
    running.start()
    try:
        yield running
    finally:
        running.stop()
        shutil.rmtree(folder)


def end_left_over(record: Path) -> None:
    """End the daemon that a `{name}.pid` names, if that process is still the daemon."""
    name, number = record.stem, record.read_text().strip()
    with suppress(OSError):  # it ended long ago
        if Path(f"/proc/{number}/comm").read_text().strip() == name:
            os.kill(int(number), signal.SIGTERM)


def free_ports(count: int) -> list[int]:
    """Loopback ports that nobody listens on, all different."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listening.getsockname()[1] for listening in sockets]
    for listening in sockets:
        listening.close()
    return ports


def answers(port: int) -> bool:
    """Whether somebody listens on a loopback port."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def command(*arguments: str) -> str:
    """What a command prints; one that fails is an error that quotes it."""
    program = shutil.which(arguments[0], path=search()) or arguments[0]
    done = subprocess.run(
        [program, *arguments[1:]],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    if done.returncode:
        raise ClusterError(f"{' '.join(arguments)}: {done.stdout.strip()}")
    return done.stdout


def attempt(*arguments: str) -> str:
    """What a command prints, or nothing where it fails."""
    try:
        return command(*arguments)
    except (ClusterError, subprocess.TimeoutExpired):
        return ""
