"""Where everything is: the settings from the environment, the paths derived from them, the folders of the
clone.

Belongs here: names and places. Does not: creating or opening any of them (warehouse.py, landing/).
"""

import re
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

PROJECT_ROOT = Path(__file__).resolve().parents[1]
DBT_PROJECT = PROJECT_ROOT / "dbt_project"
EXPECTATIONS = PROJECT_ROOT / "expectations"


def _absolute(path: Path) -> Path:
    return path.expanduser().absolute()


def _absolute_unless_url(landing: str | Path) -> str:
    return str(landing) if "://" in str(landing) else str(_absolute(Path(landing)))


def _published_mode(mode: int | str) -> int:
    written = f"{mode:o}" if isinstance(mode, int) else mode
    if not re.fullmatch("0*6[04][04]", written):
        raise ValueError(
            f"{written!r} is not one of 600 (only you), 640 (also your group) "
            "and 644 (everybody on this machine)"
        )
    return int(written, 8)


def _postgres_url(url: SecretStr) -> SecretStr:
    """The message must not quote it: it may have a password."""
    try:
        parts = urlsplit(url.get_secret_value())
        is_right = parts.scheme in ("postgresql", "postgres") and parts.port != 0
    except ValueError:
        is_right = False
    if not is_right:
        raise ValueError("it is no URL such as postgresql://user:password@host:5432/database")
    return url


def _cron_or_off(text: str) -> str:
    if text != "off" and len(text.split()) != 5:
        raise ValueError(f"{text!r} is neither off nor a cron schedule of five fields, such as '0 3 * * 0'")
    return text


class Settings(BaseSettings):
    """Paths are made absolute here, once: dbt, Dagster and the tests each run in a folder of their own.

    Making one raises pydantic.ValidationError if a setting is wrong.
    """

    model_config = SettingsConfigDict(env_prefix="GOALPOST_", env_ignore_empty=True, frozen=True)

    home: Annotated[Path, AfterValidator(_absolute)] = Path(".goalpost")
    landing: Annotated[str, BeforeValidator(_absolute_unless_url)] = Field(
        default_factory=lambda validated: validated["home"] / "landing"
    )
    adapters: Annotated[Path, AfterValidator(_absolute)] | None = None  # a folder of your own, beside ours
    published_mode: Annotated[int, BeforeValidator(_published_mode)] = 0o600
    max_file_gb: Annotated[float, Field(gt=0)] = 20  # size of a landed file, unpacked
    alert_urls: SecretStr = SecretStr("")  # of Apprise, separated by spaces: who is told of incidents
    stale_hours: Annotated[float, Field(gt=0)] = 49  # marts are stale when no run published for so long
    quarantine_percent: Annotated[float, Field(ge=0, le=100)] = 1  # more of what landed last is an incident
    deep_check: Annotated[str, AfterValidator(_cron_or_off)] = "0 3 * * 0"  # when, as cron (UTC), or off
    postgres_url: Annotated[SecretStr, AfterValidator(_postgres_url)] | None = None
    postgres_schema: str = "marts"
    engine: Literal["duckdb", "spark"] = "duckdb"
    spark_host: str = "127.0.0.1"  # of the Thrift server (docs/spark.md)
    spark_port: int = 10000
    spark_user: str = "goalpost"
    dagster_postgres_url: Annotated[SecretStr, AfterValidator(_postgres_url)] | None = None

    @property
    def max_file_bytes(self) -> int:
        return int(self.max_file_gb * 1e9)

    @property
    def default_landing(self) -> Path:
        return self.home / "landing"

    @property
    def pinned_clock(self) -> Path:
        """The file that pins the clock of the reports, if it is pinned (clock.py)."""
        return self.home / "pinned_clock"

    @property
    def warehouse(self) -> Path:
        """The working database. BI tools never read it: while a run writes, no other process can open it."""
        return self.home / "warehouse.duckdb"

    @property
    def warehouse_marts(self) -> Path:
        """The marts of the working database: in a file of their own, which is published by copying it."""
        return self.warehouse.with_suffix(".marts.duckdb")

    @property
    def published(self) -> Path:
        """The marts as one DuckDB file, replaced whole by each successful run; on Spark, only the reports."""
        return (self.home if self.engine == "duckdb" else self.home / "spark") / "marts.duckdb"

    @property
    def published_parquet(self) -> Path:
        return self.home / "marts"

    @property
    def publication(self) -> Path:
        """The record of what was published last: each file with its size and time, to notice changes."""
        return self.home / "published.json"

    @property
    def logs(self) -> Path:
        """The folder with the output of the last run's tools."""
        return self.home / "logs"

    @property
    def incidents(self) -> Path:
        """What is wrong, and which alerts were not delivered yet (alerts.py)."""
        return self.home / "incidents.json"

    @property
    def deep_check_record(self) -> Path:
        """What the last deep check found (deep_check.py)."""
        return self.home / "deep_check.json"

    @property
    def writer_lock(self) -> Path:
        return self.home / "writer.lock"

    @property
    def dev_lock(self) -> Path:
        return self.home / "dev.lock"

    @property
    def dagster_home(self) -> Path:
        return self.home / "dagster"
