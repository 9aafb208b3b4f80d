"""`dbt build` in a process of its own that says where its CPU time goes: into which node's statements.

Belongs here: that process. Does not: what is built, and on which warehouse (measure.py).

dbt tells when a statement begins and ends. It builds one model at a time, so what the process uses between
the two, on all threads of DuckDB, is the statement's. What it uses otherwise is start-up and dbt's own work.
"""

import json
import re
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner
from dbt_common.events.base_types import EventMsg
from google.protobuf.json_format import MessageToDict

COMMENT_OF_DBT = re.compile(r"^/\*.*?\*/", re.DOTALL)


class StatementCpu:
    def __init__(self) -> None:
        self.by_node: defaultdict[str, float] = defaultdict(float)
        self.node, self.began = "", 0.0

    def __call__(self, event: EventMsg) -> None:
        if event.info.name == "SQLQuery":
            query = MessageToDict(event.data, preserving_proto_field_name=True)
            self.node = _name(query["node_info"].get("unique_id", ""), query["sql"])
            self.began = time.process_time()
        elif event.info.name == "SQLQueryStatus":
            self.by_node[self.node] += time.process_time() - self.began


def _name(node: str, sql: str) -> str:
    """A statement of no model is named by its first words, for example `checkpoint marts`."""
    if node.startswith(("model.", "seed.")):
        return node.split(".")[2]
    return " ".join(COMMENT_OF_DBT.sub("", sql.strip()).split()[:2])


def main(figures: Path, arguments: Sequence[str]) -> None:
    cpu = StatementCpu()
    built = dbtRunner(callbacks=[cpu]).invoke(["build", *arguments, "--threads", "1"])
    began = time.process_time()
    DuckDBConnectionManager.close_all_connections()
    cpu.by_node["closing the files"] = time.process_time() - began
    figures.write_text(json.dumps(cpu.by_node), "utf-8")
    sys.exit(0 if built.success else 1)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
