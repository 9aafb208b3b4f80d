"""Single values: JSON, numbers and times, read by the rules of SEMANTICS, sections 2 and 3.

Belongs here: turning one text into one value. Does not: which columns a table has (reading.py) or what a
condition does with a value (filters.py).
"""

# SEMANTICS is quoted as it is written.
# ruff: noqa: RUF002

import json
import math
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

MICROSECOND = timedelta(microseconds=1)
EPOCH = datetime(1970, 1, 1)
FIRST_UNIX_SECOND, AFTER_LAST_UNIX_SECOND = -62135596800, 253402300800  # years 1 to 9999
JSON_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
ISO_TIME = re.compile(
    r"(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"([T ](?P<minute>[0-9]{2}:[0-9]{2})(:(?P<second>[0-9]{2})(\.(?P<decimals>[0-9]+))?)?"
    r"(?P<zone>Z|(?P<sign>[+-])(?P<hours>[0-9]{2})(:?(?P<minutes>[0-9]{2}))?)?)?"
)


@dataclass(frozen=True)
class Number:
    """A JSON number as it was written, so that 9.99 stays 9.99 and 10.0 stays 10.0."""

    text: str

    @property
    def value(self) -> float | None:
        """'numbers compare as finite 64-bit floats'"""
        value = float(self.text)
        return value if math.isfinite(value) else None

    @property
    def shortest(self) -> str:
        """'a number its shortest 64-bit form with `10.0` as `10.0`'"""
        if re.fullmatch(r"-?[0-9]+", self.text) and -(2**63) <= int(self.text) < 2**64:
            return str(int(self.text))
        return repr(float(self.text))


def write_json(value) -> str:
    """What read_json read, as text."""
    if isinstance(value, Number):
        return value.text
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{write_json(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(write_json, value)) + "]"
    return json.dumps(value)


def read_json(text: str):
    """'JSON is RFC 8259; of a repeated key the first wins.' Raises ValueError for text that is not JSON."""

    def first_wins(pairs):
        return dict(reversed(pairs))

    def reject(constant):
        raise ValueError(f"{constant} is not JSON")

    return json.loads(
        text, parse_int=Number, parse_float=Number, parse_constant=reject, object_pairs_hook=first_wins
    )


def compact_json(value) -> str:
    """'keys sorted': one text for values that are the same."""
    match value:
        case dict():
            pairs = (f"{json.dumps(key)}:{compact_json(value[key])}" for key in sorted(value))
            return "{" + ",".join(pairs) + "}"
        case list():
            return "[" + ",".join(map(compact_json, value)) + "]"
        case Number():
            return value.text
        case _:
            return json.dumps(value)


def as_number(value) -> float | None:
    """'Text *is a number* when all of it is a JSON number; numbers compare as finite 64-bit floats.'"""
    if isinstance(value, str) and JSON_NUMBER.fullmatch(value):
        value = Number(value)
    return value.value if isinstance(value, Number) else None


def scalar_text(value) -> str | None:
    """'The text of a scalar is as compact JSON writes it (`true` is `true`, text without quotes …)'"""
    match value:
        case bool():
            return "true" if value else "false"
        case Number():
            return value.shortest
        case str():
            return value
        case _:
            return None


def as_time(value) -> datetime | None:
    """'ISO 8601 text or Unix seconds (a number or text that is one)'"""
    seconds = as_number(value)
    if seconds is not None:
        return unix_time(seconds)
    return read_time(value) if isinstance(value, str) else None


def unix_time(seconds: float) -> datetime | None:
    """'Unix seconds outside the years 1–9999 are no time.'"""
    if not FIRST_UNIX_SECOND <= seconds < AFTER_LAST_UNIX_SECOND:
        return None
    try:
        return EPOCH + timedelta(microseconds=math.floor(seconds * 1e6 + 0.5))
    except OverflowError:
        return None


def read_time(text: str) -> datetime | None:
    """'A time is ISO 8601: `YYYY-MM-DD`, or with `T` or a space `HH:MM[:SS[.f]]` and `Z`, an offset or
    nothing (= UTC) … decimals past six are cut; a bare number is `bad_timestamp`'; 'an offset is
    `±HH[[:]MM]`'"""
    parts = ISO_TIME.fullmatch(text)
    if parts is None:
        return None
    year, month, day = map(int, parts["day"].split("-"))
    hour, minute = map(int, (parts["minute"] or "00:00").split(":"))
    microsecond = int((parts["decimals"] or "")[:6].ljust(6, "0"))
    try:
        moment = datetime(year, month, day, hour, minute, int(parts["second"] or 0), microsecond)
        return moment - read_offset(parts)
    except (ValueError, OverflowError):
        return None


def read_offset(parts: re.Match) -> timedelta:
    """'an offset is `±HH[[:]MM]`'; raises ValueError where it is no time of day."""
    if not parts["sign"]:
        return timedelta()
    offset_time = time(int(parts["hours"]), int(parts["minutes"] or 0))
    offset = timedelta(hours=offset_time.hour, minutes=offset_time.minute)
    return -offset if parts["sign"] == "-" else offset


def iso(moment: datetime) -> str:
    """'`observed_at` as `YYYY-MM-DDTHH:MM:SS.ffffffZ`'"""
    return moment.isoformat(timespec="microseconds") + "Z"


def add_days(moment: datetime, days: int) -> datetime:
    """'A day of a window is exactly 24 hours.' A window past the year 9999 has no end that matters."""
    try:
        return moment + timedelta(days=days)
    except OverflowError:
        return datetime.max


def local_day(moment: datetime, zone: str) -> date:
    """'A day of a report is a calendar day in the workspace's time zone.'"""
    return moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).date()


def end_of_local_day(moment: datetime, zone: str) -> datetime:
    """'the last microsecond of that calendar day in the workspace'"""
    next_midnight = datetime.combine(local_day(moment, zone) + timedelta(days=1), time(), ZoneInfo(zone))
    return next_midnight.astimezone(UTC).replace(tzinfo=None) - MICROSECOND


def as_impact(value) -> Decimal | None:
    """'as a decimal(18,6) rounded half up (missing, not a number, or too large: null …)'"""
    if as_number(value) is None:
        return None
    exact = Decimal(value.text if isinstance(value, Number) else value)
    if abs(exact) >= Decimal(10) ** 12:
        return None
    rounded = exact.quantize(Decimal("0.000001"), ROUND_HALF_UP)
    return None if abs(rounded) >= Decimal(10) ** 12 else rounded


def seconds_between(start: datetime, end: datetime) -> Decimal:
    """'seconds_to_convert (decimal(18,6))': exact, from microseconds."""
    return Decimal((end - start) // MICROSECOND).scaleb(-6).quantize(Decimal("0.000001"))
