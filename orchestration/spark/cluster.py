"""A Spark cluster on this machine, for a first look and for tests: a master, two workers, a Thrift server.

`python -m orchestration.spark.cluster COMMAND …` starts one, runs the command with it, and ends it.

Belongs here: starting and ending its processes, all on the loopback interface. Does not: anything that a real
cluster needs from Goalpost (docs/spark.md says what it must have set).
"""

import logging
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType

from orchestration.errors import GoalpostError
from orchestration.settings import Settings
from orchestration.spark.connection import connect

LOOPBACK = "127.0.0.1"
PATIENCE_SECONDS = 300
DERBY = "jdbc:derby:;databaseName={};create=true"
NOTHING_MORE: Mapping[str, object] = MappingProxyType({})
ICEBERG = "iceberg-spark-runtime-3.5_2.12-*.jar"


@contextmanager
def local_cluster(
    folder: Path, *, workers: int = 2, port: int | None = None, settings: Mapping[str, object] = NOTHING_MORE
) -> Iterator[int]:
    """The port of its Thrift server. Tables, metastore and logs are in `folder`, and stay there.

    `workers`: 0 runs everything in one process, which starts in half the time. `settings`: of Spark, besides
    those that every one has. Raises GoalpostError if Spark is not installed, or does not start."""
    spark, jar = (
        _installed("pyspark"),
        next(_installed("snowpark_connect_deps_iceberg").glob(f"jars/{ICEBERG}")),
    )
    folder.mkdir(parents=True, exist_ok=True)
    thrift_port = port or _free_port()
    with ExitStack() as processes:
        master = "local[2]"
        if workers:
            master_port = _free_port()
            master = f"spark://{LOOPBACK}:{master_port}"
            processes.enter_context(
                _process(
                    folder,
                    "master",
                    *(spark / "bin" / "spark-class", "org.apache.spark.deploy.master.Master"),
                    *("--host", LOOPBACK, "--port", master_port, "--webui-port", _free_port()),
                )
            )
        for number in range(1, workers + 1):
            processes.enter_context(
                _process(
                    folder,
                    f"worker-{number}",
                    *(spark / "bin" / "spark-class", "org.apache.spark.deploy.worker.Worker", master),
                    *("--host", LOOPBACK, "--webui-port", _free_port(), "--cores", 1, "--memory", "1g"),
                    *("--work-dir", folder / f"worker-{number}"),
                )
            )
        confs = {
            **thrift_settings(folder, jar),
            "spark.hadoop.hive.server2.thrift.port": thrift_port,
            **settings,
        }
        process = processes.enter_context(
            _process(
                folder,
                "thrift",
                *(spark / "bin" / "spark-submit", "--master", master),
                *("--driver-class-path", jar),
                *(part for name, value in confs.items() for part in ("--conf", f"{name}={value}")),
                *("--class", "org.apache.spark.sql.hive.thriftserver.HiveThriftServer2", "spark-internal"),
            )
        )
        _wait(process, Settings(spark_host=LOOPBACK, spark_port=thrift_port), folder / "thrift.log")
        yield thrift_port


def thrift_settings(folder: Path, jar: Path) -> dict[str, object]:
    """What makes a Thrift server one for Goalpost: Iceberg as the catalog (docs/spark.md explains each)."""
    return {
        "spark.executor.extraClassPath": jar,
        "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
        "spark.sql.catalog.spark_catalog": "org.apache.iceberg.spark.SparkSessionCatalog",
        "spark.sql.catalog.spark_catalog.type": "hive",
        "spark.sql.catalog.spark_catalog.cache-enabled": "false",
        "spark.hadoop.iceberg.engine.hive.lock-enabled": "false",  # the embedded metastore has no locks
        "spark.sql.warehouse.dir": folder / "lake",
        "spark.hadoop.javax.jdo.option.ConnectionURL": DERBY.format(folder / "metastore"),
        # Spark sets these for itself, Iceberg does not. With two values, the server would open the metastore
        # again and again, and keep each: its memory would be full after some hundred sessions.
        "spark.hadoop.datanucleus.schema.autoCreateAll": "true",
        "spark.hadoop.hive.metastore.schema.verification": "false",
        # The columns of a mart may change with its model.
        "spark.hadoop.hive.metastore.disallow.incompatible.col.type.changes": "false",
        "spark.hadoop.hive.server2.thrift.bind.host": LOOPBACK,
        "spark.driver.host": LOOPBACK,
        "spark.driver.bindAddress": LOOPBACK,
        # A power cut may lose the metastore of this cluster: without waiting for the disk, it answers sooner.
        # The server asks for a garbage collection once a second.
        "spark.driver.extraJavaOptions": " ".join(
            (
                f"-Dderby.stream.error.file={folder / 'derby.log'}",
                "-Dderby.system.durability=test",
                "-XX:+UseParallelGC",
                "-XX:+DisableExplicitGC",
            )
        ),
        "spark.executor.memory": "800m",
        "spark.buffer.pageSize": "1m",  # of 32 MB else, and each sort and each hash table takes at least one
        "spark.ui.enabled": "false",
        # The driver keeps the plans of the last thousand statements, for a page that is turned off here.
        "spark.sql.ui.retainedExecutions": 1,
        "spark.sql.maxPlanStringLength": 10_000,
        "spark.sql.session.timeZone": "UTC",
    }


@contextmanager
def _process(folder: Path, name: str, *command: object) -> Iterator[subprocess.Popen]:
    environment = os.environ | {
        "SPARK_HOME": str(_installed("pyspark")),
        "SPARK_LOCAL_IP": LOOPBACK,  # web pages too are for this machine only
        "SPARK_LOCAL_DIRS": str(folder / "shuffles"),
        # For the Thrift server this is the driver's memory, whatever --driver-memory says.
        "SPARK_DAEMON_MEMORY": "2g" if name == "thrift" else "512m",
    }
    with (folder / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(
            [str(part) for part in command],
            env=environment,
            cwd=folder,
            stdout=log,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen, settings: Settings, log: Path) -> None:
    logging.getLogger("thrift").setLevel(logging.CRITICAL)  # it tells each try
    begin = time.monotonic()
    while process.poll() is None and time.monotonic() - begin < PATIENCE_SECONDS:
        try:
            with connect(settings) as spark:
                spark.run("select 1")
            return
        except GoalpostError:
            time.sleep(1)
    raise GoalpostError(f"Spark's Thrift server does not start: {log} says why.")


def _installed(package: str) -> Path:
    found = find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise GoalpostError("Spark is not installed here: `make .venv/.spark` installs it.")
    return Path(next(iter(found.submodule_search_locations)))


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind((LOOPBACK, 0))
        return listening.getsockname()[1]


def chosen(port: int) -> dict[str, str]:
    """The settings by which `goalpost` runs on the cluster of this port."""
    return {
        "GOALPOST_ENGINE": "spark",
        "GOALPOST_SPARK_HOST": LOOPBACK,
        "GOALPOST_SPARK_PORT": str(port),
    }


def main(command: Sequence[str]) -> int:
    home = Settings().home
    print(f"Starting a Spark cluster on this machine ({home / 'spark'}), half a minute ...", flush=True)
    with local_cluster(home / "spark") as port:
        return subprocess.run(command, env=os.environ | chosen(port)).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
