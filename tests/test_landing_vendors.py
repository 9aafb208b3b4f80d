"""Files of vendors: which adapters take them, what becomes of their rows, and adapters that are wrong."""

import gzip
import json
from pathlib import Path

import duckdb
import fastavro
import fsspec
import pyarrow
import pyarrow.parquet
import pytest
from landing_support import Landing
from typer.testing import CliRunner

from orchestration import repair
from orchestration.cli import app
from orchestration.errors import GoalpostError
from orchestration.landing import list_landing, listing
from orchestration.landing.vendors import MACROS, Vendor, read_vendors
from orchestration.warehouse import STILL_SET_ASIDE, connect

# Of an invented vendor, in a folder outside the repository.
EVENTS = """
-- Invented.
-- files: log_* */things/*
-- Not needed: colour
select
    field(record, 'id') as event_id,
    field(record, 'who') as profile_id,
    field(field(record, 'what'), 'name') as name,
    field(record, 'what') as properties,
    moment(field(record, 'at')) as occurred_at
from file
where field(record, 'kind') is distinct from 'sent'
"""
DELIVERIES = """
-- files: log_*
select
    field(record, 'shop') as workspace_id,
    field(record, 'id') as delivery_id,
    field(record, 'who') as profile_id,
    'campaign' as source_type,
    'email' as channel,
    moment(field(record, 'at')) as sent_at
from file
where field(record, 'kind') = 'sent';
"""
EVENT = {"id": 7.0, "who": "ann", "what": {"name": "visit", "page": None}, "at": 1772323200, "kind": None}
SENT = {"id": 8.0, "who": "bob", "what": None, "at": 1772323200, "kind": "sent"}


class Vendors(Landing):
    def __init__(self, folder: Path, landing: str | None = None):
        super().__init__(folder, landing)
        self.adapters = folder / "adapters"
        self.settings = self.settings.model_copy(update={"adapters": self.adapters})
        self.adapter("events.sql", EVENTS)
        self.adapter("deliveries.sql", DELIVERIES)

    def adapter(self, name: str, text: str, vendor: str = "acme_mail") -> Path:
        file = self.adapters / vendor / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def events(self) -> list[tuple]:
        return self.query(
            "select row_number, workspace_id, event_id, profile_id, name, properties, occurred_at "
            "from raw.events order by file_id, row_number"
        )


@pytest.fixture
def landing(tmp_path) -> Vendors:
    return Vendors(tmp_path)


def lines(*rows: dict) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def test_a_file_lands_in_the_tables_of_its_adapters_whatever_its_format(landing):
    folder = "acme_mail/workspace=shop/deep"
    landing.put(f"{folder}/log_1.jsonl", lines(EVENT, SENT))
    landing.put(f"{folder}/LOG_2.gz", lines(EVENT, SENT))
    landing.put(f"{folder}/log_3.json", json.dumps([EVENT, SENT]))
    landing.put(
        f"{folder}/log_4.csv",
        'id;who;what;at;kind\n7;ann;"{""name"":""visit"",""page"":null}";1772323200;\n'
        "8;bob;;1772323200;sent\n",
    )
    table = pyarrow.Table.from_pylist([EVENT, SENT])
    pyarrow.parquet.write_table(table, landing.put(f"{folder}/log_5.parquet", ""))
    what = {
        "type": "record",
        "name": "w",
        "fields": [{"name": n, "type": ["null", "string"]} for n in ("name", "page")],
    }
    types = {
        "id": "double",
        "who": "string",
        "what": ["null", what],
        "at": "long",
        "kind": ["null", "string"],
    }
    fields = [{"name": name, "type": type_} for name, type_ in types.items()]
    with landing.put(f"{folder}/log_6.avro", "").open("wb") as stream:
        fastavro.writer(stream, {"type": "record", "name": "row", "fields": fields}, [EVENT, SENT])
    report = landing.load()
    assert report.set_aside == [] and report.ignored == ()
    assert len(landing.ledger()) == 6
    at = "2026-03-01T00:00:00.000000"
    found = landing.events()
    assert {row[:2] + row[3:5] + row[6:] for row in found} == {(1, "shop", "ann", "visit", at)}
    assert {json.dumps(json.loads(row[5])) for row in found} == {json.dumps(EVENT["what"])}
    # JSON's own text of a number stays.
    assert sorted(row[2] for row in found) == ["7", "7", "7", "7.0", "7.0", "7.0"]
    deliveries = "select row_number, workspace_id, profile_id, sent_at, sequence from raw.deliveries"
    assert landing.query(deliveries) == [(2, "shop", "bob", at, None)] * 6
    assert landing.query("select distinct rows, unknown_columns from raw.files") == [(1, [])]
    for (record,) in landing.query("select vendor_record from raw.events"):
        assert json.loads(record)["who"] == "ann" and json.loads(record)["at"] in (1772323200, "1772323200")
    assert landing.load().files == ()


def test_a_whole_number_of_parquet_and_avro_is_an_integer_and_missing_columns_are_null(landing):
    row = {"id": 42345.0, "at": 1.5, "extra": [1.0, float("nan")]}
    table = pyarrow.Table.from_pylist([row])
    pyarrow.parquet.write_table(table, landing.put("acme_mail/workspace=w/log_1.parquet", ""))
    landing.load()
    assert landing.events() == [(1, "w", "42345", None, None, None, "1970-01-01T00:00:01.500000")]
    assert landing.query("select unknown_columns from raw.files order by file_id") == [(["extra"],), ([],)]


def test_objects_one_after_another_on_a_line_are_rows(landing):
    odd = EVENT | {"who": '}{ "} {'}
    landing.put(
        "acme_mail/workspace=w/log_1.gz",
        f"{json.dumps(odd)}{json.dumps(EVENT)} \t{json.dumps(EVENT)}\n\n{json.dumps(EVENT)}",
    )
    landing.put("acme_mail/workspace=w/log_2.json", json.dumps(odd) * 3)
    landing.load()
    assert [row[3] for row in landing.events()] == ['}{ "} {', "ann", "ann", "ann", *['}{ "} {'] * 3]
    assert [row[0] for row in landing.events()] == [1, 2, 3, 5, 1, 2, 3]


def test_many_objects_on_one_line_are_read_in_parts(landing, monkeypatch):
    from orchestration.landing import json_records

    monkeypatch.setattr(json_records, "BLOCK_BYTES", 1000)
    monkeypatch.setattr(json_records, "RECORD_BYTES", 5000)
    rows = [EVENT | {"who": f"{number} " + '}{\\"' * (number % 7)} for number in range(500)]
    landing.put("acme_mail/workspace=w/log_1.json", " ".join(map(json.dumps, rows)))
    landing.load()
    assert [row[3] for row in landing.events()] == [row["who"] for row in rows]


def test_a_record_that_cannot_be_read_lands_once_in_the_first_table(landing):
    landing.put("acme_mail/workspace=w/log_1.jsonl", lines(EVENT) + '{"id": \n["x"]\n' + lines(SENT))
    landing.load()
    found = "select row_number, raw_record, vendor_record is null from raw.deliveries order by row_number"
    assert landing.query(found) == [(2, '{"id": ', True), (3, '["x"]', True), (4, None, False)]
    assert [row[0] for row in landing.events()] == [1]
    assert landing.query("select table_name, rows from raw.files order by file_id") == [
        ("deliveries", 3),
        ("events", 1),
    ]


def test_the_workspace_is_the_folders_or_else_the_rows(landing):
    landing.put("acme_mail/workspace=w/log_1.jsonl", lines(SENT | {"shop": "s"}))
    landing.put("acme_mail/log_2.jsonl", lines(SENT | {"shop": "s"}))
    landing.adapter("events.sql", EVENTS.replace("select", "select field(record, 'shop') as workspace_id,"))
    landing.load()
    assert landing.query("select workspace_id from raw.deliveries order by file_id") == [("s",), ("w",)]


def test_what_no_adapter_takes_is_listed_and_what_holds_nothing_for_us_is_not(landing):
    landing.adapter("not_needed.txt", "# a comment\nsteps_* # of a campaign\n")
    for path in ("other.jsonl", "log_1", "workspace=w/steps_1.jsonl", "log_3.jsonl", "_log_4.jsonl"):
        landing.put(f"acme_mail/{path}", lines(EVENT))
    landing.put("acme_mai/x.jsonl", lines(EVENT))
    landing.put("acme_mail/workspace=w/x/things/1.jsonl", lines(EVENT))
    report = landing.load()
    assert [file.path for file in report.files] == ["acme_mail/workspace=w/x/things/1.jsonl"]
    assert {entry.path: entry.reason.partition(":")[0] for entry in report.ignored} == {
        "acme_mai": "It is not a table's folder",
        "acme_mail/_log_4.jsonl": listing.UNFINISHED,
        "acme_mail/log_1": listing.NO_FORMAT,
        "acme_mail/log_3.jsonl": "Its rows name no workspace",
        "acme_mail/other.jsonl": "No adapter of acme_mail takes a file of this name",
    }


def test_an_object_store_has_vendors_too(tmp_path):
    root = f"memory://{tmp_path.name}"
    for path in ("acme_mail/workspace=w/log_1.jsonl", "acme_mail/other.jsonl", "nobody/x.jsonl"):
        with fsspec.open(f"{root}/{path}", "wb") as file:
            file.write(lines(EVENT).encode())
    landing = Vendors(tmp_path, root)
    assert [entry.path for entry in landing.load().ignored] == ["acme_mail/other.jsonl", "nobody"]
    assert [row[1] for row in landing.events()] == ["w"]


def test_a_value_that_an_adapter_cannot_map_sets_the_file_aside_until_it_can(landing):
    wrong = EVENTS.replace("field(record, 'id')", "cast(field(record, 'id') as integer)")
    landing.adapter("events.sql", wrong)
    landing.put("acme_mail/workspace=w/log_1.jsonl", lines(SENT, EVENT | {"id": "seven"}))
    landing.put("acme_mail/workspace=w/log_2.jsonl", lines(SENT))
    report = landing.load()
    assert [file.table_name for file in report.set_aside] == ["deliveries", "events"]
    assert report.set_aside[0].reason.startswith(
        "The adapter acme_mail/events.sql cannot map one of its values (Conv"
    )
    assert report.set_aside[0].reason.endswith("use try_cast or try() there.")
    assert landing.query("select count(*) from raw.deliveries") == [(1,)]  # of the other file: all or nothing
    assert landing.load().files == ()

    landing.adapter("events.sql", EVENTS)
    assert repair.try_again(landing.settings) == ["acme_mail/workspace=w/log_1.jsonl"]
    landing.load()
    assert [row[2] for row in landing.events()] == ["seven"]
    with connect(landing.settings) as connection:
        assert connection.execute(STILL_SET_ASIDE).fetchall() == []


def test_a_row_makes_at_most_one_row(landing):
    twice = EVENTS.replace("field(record, 'id') as event_id", "unnest(['a', 'b']) as event_id")
    landing.adapter("events.sql", twice)
    landing.put("acme_mail/workspace=w/log_1.jsonl", lines(EVENT))
    assert "makes several rows of one row" in landing.load().set_aside[0].reason
    assert landing.events() == []


def test_a_file_that_cannot_be_read_is_set_aside_for_each_of_its_tables_and_told_once(landing):
    landing.put("acme_mail/workspace=w/log_1.parquet", "no Parquet")
    landing.put("acme_mail/workspace=w/log_2.jsonl.gz", "").write_bytes(
        gzip.compress(lines(EVENT).encode())[:-5]
    )
    reasons = [file.reason.partition(" (")[0] for file in landing.load().set_aside]
    assert reasons == ["It is not a readable Parquet file"] * 2 + ["It is not a complete gzip file"] * 2
    assert repair.try_again(landing.settings, ["acme_mail/workspace=w/log_1.parquet"])


def test_a_file_over_the_limit_is_set_aside(tmp_path):
    landing = Vendors(tmp_path)
    landing.settings = landing.settings.model_copy(update={"max_file_gb": 0.00001})
    landing.put("acme_mail/workspace=w/log_1.gz", lines(EVENT) * 1000)
    assert landing.load().set_aside[0].reason.startswith("It is larger than 1e-05 GB, unpacked")


def test_a_table_that_an_adapter_learns_later_takes_in_what_has_landed_before(landing):
    (landing.adapters / "acme_mail" / "deliveries.sql").unlink()
    landing.put("acme_mail/workspace=w/log_1.jsonl", lines(EVENT, SENT))
    landing.load()
    landing.adapter("deliveries.sql", DELIVERIES)
    assert [file.table_name for file in landing.load().files] == ["deliveries"]
    assert len(landing.events()) == 1
    assert landing.load().files == ()


def test_a_file_of_ones_own_counts_instead_of_ours_and_the_others_stay(landing):
    own = landing.adapter("deliveries.sql", DELIVERIES, vendor="customer_io")
    files = [adapter.source for adapter in read_vendors(landing.settings)["customer_io"].adapters]
    assert own in files and len(files) > 4


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        (
            "evnts.sql",
            EVENTS,
            "is named like no table: its name, up to the first dot, must be one of workspaces,",
        ),
        (
            "events.sql",
            EVENTS.replace("-- files", "-- fils"),
            "does not say which files it takes: begin it with",
        ),
        ("events.sql", "-- files: *\nwith x as (select 1) select * from x", "must begin with 'select'"),
        (
            "events.sql",
            EVENTS.replace("as name,", "as nam,"),
            "makes a column nam, which events has not: its columns",
        ),
        (
            "events.sql",
            EVENTS.replace("field(record, 'who') as profile_id,", ""),
            "makes no column profile_id, which",
        ),
        ("events.sql", EVENTS.replace("from file", "from files"), "cannot be read as SQL (Catalog Error"),
        (
            "events.sql",
            EVENTS.replace("field(record, 'id')", "count(*)"),
            "cannot be read as SQL (Binder Error",
        ),
        (
            "events.2.sql",
            EVENTS,
            "both take acme_mail/workspace=w/log_1.jsonl: one SQL file per table may take a",
        ),
    ],
)
def test_a_wrong_adapter_is_named_with_what_is_wrong(landing, name, text, told):
    landing.put("acme_mail/workspace=w/log_1.jsonl", lines(EVENT))
    landing.adapter(name, text)
    with pytest.raises(GoalpostError, match=r"acme_mail/ev\w*\.[\w.]*sql ") as error:
        list_landing(landing.settings)
    assert told in str(error.value)


def test_a_vendor_without_files_in_the_landing_does_no_harm(landing):
    landing.adapter("events.sql", "broken")
    landing.put("workspaces/x.csv", "workspace_id\nw\n")
    assert landing.load().ignored == ()


def test_a_vendor_is_not_called_like_a_table_and_its_folder_must_exist(landing):
    landing.adapter("events.sql", EVENTS, vendor="events")
    with pytest.raises(GoalpostError, match="A vendor cannot be called events, because a table is"):
        read_vendors(landing.settings)
    missing = landing.settings.model_copy(update={"adapters": Path("/nowhere")})
    with pytest.raises(GoalpostError, match="The adapters in /nowhere cannot be listed"):
        read_vendors(missing)
    with pytest.raises(GoalpostError, match="has no SQL file"):
        Vendor("empty", ()).adapters_for("empty/x")


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("1772323200", "2026-03-01T00:00:00.000000"),
        ("1772323200.25", "2026-03-01T00:00:00.250000"),
        ("1772323200123", "2026-03-01T00:00:00.123000"),
        ("2026-03-01 00:00:00", "2026-03-01 00:00:00"),
        *((zero, None) for zero in ("0", "0.0", "-62135596800", "1970-01-01", "1970-01-01 00:00:00.000")),
        *((zero, None) for zero in ("0001-01-01T00:00:00Z", "1970-01-01T00:00:00.000000", None)),
        *((text, text) for text in ("yesterday", "1e400", "99999999999999999999", "1970-01-01T00:00:01Z")),
    ],
)
def test_a_moment_is_read_as_it_comes_and_the_zero_of_a_clock_is_none(value, moment):
    with duckdb.connect() as connection:
        connection.execute(MACROS)
        assert connection.execute("select moment(?::varchar)", [value]).fetchall() == [(moment,)]


def test_the_ledger_of_an_older_version_takes_in_files_of_several_tables(landing):
    one_entry = """
        create schema raw;
        create table raw.files (
            file_id bigint not null, table_name varchar not null, path varchar not null,
            content_hash varchar not null, size_bytes bigint not null, rows bigint not null,
            loaded_at timestamp not null, outcome varchar not null, reason varchar,
            unknown_columns varchar[] not null, fingerprint varchar not null, csv_delimiter varchar,
            csv_fields bigint, unique (path, content_hash)
        );
        insert into raw.files by name
        select 1 as file_id, 'events' as table_name, 'events/x' as path, 'h' as content_hash, 1 as size_bytes,
            0 as rows, timestamp '2026-01-01' as loaded_at, 'loaded' as outcome, ['x'] as unknown_columns,
            'f' as fingerprint
    """
    landing.settings.home.mkdir()
    with duckdb.connect(landing.settings.warehouse) as connection:
        connection.execute(one_entry)
    landing.put("acme_mail/workspace=w/log_1.jsonl", lines(EVENT, SENT))
    assert len(landing.load().files) == 2
    assert landing.query("select file_id, table_name from raw.files order by file_id") == [
        *((1, "events"), (2, "deliveries"), (3, "events")),
    ]


def test_the_command_shows_what_becomes_of_a_file(landing, monkeypatch):
    monkeypatch.setenv("GOALPOST_HOME", str(landing.settings.home))
    monkeypatch.setenv("GOALPOST_ADAPTERS", str(landing.adapters))
    file = landing.put(
        "acme_mail/workspace=w/log_1.jsonl", lines(EVENT | {"size": 1}, SENT | {"who": None}) + "{\n"
    )
    other = landing.put("acme_mail/other.jsonl", lines(EVENT))
    run = CliRunner().invoke
    shown = run(app, ["adapters", "check", str(file)]).output.replace("\n", " ")
    assert "acme_mail/workspace=w/log_1.jsonl: 3 rows read, 1 of them no JSON object" in shown
    assert "events (acme_mail/events.sql): 1 rows" in shown and "row 1: workspace_id=w, event_id=7" in shown
    assert "profile_id is missing" not in shown  # of a delivery it is required unless it is anonymous
    assert "No SQL file names these columns: size" in shown
    assert not landing.settings.warehouse.exists()
    refused = run(app, ["adapters", "check", str(other)])
    assert refused.exit_code == 1 and "No adapter of acme_mail takes a file of this name" in refused.output
    listed = run(app, ["adapters", "list"]).output
    assert "customer_io: lands in <landing>/customer_io/" in listed and "  events: log_* */things/*" in listed


# Of our own adapters: what the stories (test_vendor_stories.py) do not tell.


def mapped(landing: Landing, path: str, rows: list[dict], table: str, *columns: str) -> list[tuple]:
    """What becomes of a vendor's rows: these columns of the table, in the order of the rows."""
    landing.put(path, lines(*rows))
    landing.load()
    return landing.query(f"select {', '.join(columns)} from raw.{table} order by row_number")


def braze(landing: Landing, type_: str, *rows: dict, table: str, columns: tuple[str, ...]) -> list[tuple]:
    filled = [{"app_group_id": "w", "id": "1", "user_id": "u", "time": 1772323200} | row for row in rows]
    return mapped(landing, f"braze/event_type=users.{type_}/date=2026-03-01/x.json", filled, table, *columns)


def test_customer_ios_machines_are_machine_or_prefetched_and_proxied_is_none(landing):
    opened = {"workspace_id": 1, "metric": "opened", "created_at": "2026-03-01T00:00:00Z"}
    signs = [
        {"machine": True},
        {"prefetched": True},
        {"proxied": True},
        {"machine": False, "prefetched": None},
    ]
    rows = [opened | sign for sign in signs] + [opened | {"metric": "created"}]
    found = mapped(landing, "customer_io/metrics_v4_1_2.jsonl", rows, "engagements", "is_machine")
    assert found == [("true",), ("true",), ("false",), ("false",)]


def test_customer_ios_sources_are_told_apart_and_its_1970_is_no_time(landing):
    kinds = [
        {"campaign_id": 7},
        {"newsletter_id": 7},
        {"campaign_id": 7, "trigger_id": 2},
        {"transactional_message_id": 7},
    ]
    rows = [{"workspace_id": 1, "delivery_id": str(kind), "delivery_type": "twilio"} | kind for kind in kinds]
    columns = ("source_type", "source_id", "channel", "sent_at")
    assert mapped(landing, "customer_io/deliveries_v4_1_2.jsonl", rows, "deliveries", *columns) == [
        ("campaign", "campaign-7", "sms", None),
        ("broadcast", "broadcast-7", "sms", None),
        ("api_triggered_broadcast", "campaign-7", "sms", None),
        ("transactional", "transactional-7", "sms", None),
    ]
    people = [{"updated_at": "1970-01-01T00:00:00", "created_at": "2026-01-01T00:00:00", "email_addr": ""}]
    found = mapped(
        landing, "customer_io/people_v4_1_2.jsonl", people, "profile_changes", "changed_at", "properties"
    )
    assert found == [("2026-01-01T00:00:00", found[0][1])]
    assert json.loads(found[0][1])["email"] is None


@pytest.mark.parametrize(
    ("type_", "row", "metric", "machine"),
    [
        ("email.Open", {}, "opened", "false"),
        ("email.Open", {"machine_open": "Apple"}, "opened", "true"),
        ("email.Click", {"is_suspected_bot_click": True}, "clicked", "true"),
        (
            "email.Click",
            {"is_suspected_bot_click": False, "suspected_bot_click_reason": ["x"]},
            "clicked",
            "false",
        ),
        ("email.Click", {"suspected_bot_click_reason": ["user_agent"]}, "clicked", "true"),
        ("email.Click", {"suspected_bot_click_reason": []}, "clicked", "false"),
        ("email.Bounce", {"is_drop": True}, "dropped", "false"),
        ("sms.Rejection", {}, "failed", "false"),
        ("sms.ShortLinkClick", {}, "clicked", "false"),
        ("whatsapp.Read", {}, "opened", "false"),
        ("email.Unsubscribe", {}, "unsubscribed", "false"),
    ],
)
def test_brazes_events_of_messages(landing, type_, row, metric, machine):
    columns = ("metric", "is_machine")
    assert braze(landing, f"messages.{type_}", row, table="engagements", columns=columns) == [
        (metric, machine)
    ]


def test_a_canvas_of_braze_tells_both_arms_and_the_first_entry_counts(landing):
    entry = {"canvas_id": "c", "external_user_id": "ann"}
    rows = (entry | {"in_control_group": True}, entry | {"in_control_group": False, "user_id": "v"})
    columns = ("experiment_id", "profile_id", "arm", "source_id", "sequence")
    found = braze(landing, "canvas.Entry", *rows, table="holdouts", columns=columns)
    assert found == [("c", "ann", arm, "c", "-1772323200") for arm in ("control", "treatment")]


def test_a_conversion_of_braze_that_names_no_message_is_left_out(landing):
    rows = ({"campaign_id": "c", "dispatch_id": "d", "message_variation_id": "m"}, {"campaign_id": "c"})
    found = braze(
        landing, "campaigns.Conversion", *rows, table="engagements", columns=("delivery_id", "metric")
    )
    assert found == [("d:m:u", "converted")]


def test_a_purchase_of_braze_with_properties_that_are_no_json_lands_and_is_judged(landing):
    purchase = {"product_id": "p", "price": 9.99, "currency": "EUR"}
    rows = (purchase | {"properties": "{"}, purchase | {"properties": None})
    found = braze(landing, "behaviors.Purchase", *rows, table="events", columns=("name", "properties"))
    assert found[0] == ("purchase", "{") and json.loads(found[1][1]) == purchase


def test_what_braze_has_besides_is_not_worth_a_word(landing):
    for type_ in ("behaviors.app.SessionStart", "messages.email.SoftBounce", "messages.inappmessage.Click"):
        landing.put(f"braze/event_type=users.{type_}/date=2026-03-01/x.avro", "")
    report = landing.load()
    assert report.files == () and report.ignored == ()


def test_segments_people_are_known_or_devices_and_an_email_event_without_an_id_is_an_event(landing):
    call = {
        "type": "track",
        "messageId": "m",
        "anonymousId": "device",
        "timestamp": "2026-03-01T00:00:00.000Z",
    }
    rows = [
        call | {"event": "Email Opened", "properties": {}},
        call | {"event": "visit", "userId": ""},
        call | {"event": "visit", "userId": "ann", "receivedAt": "2026-03-02T00:00:00Z"},
        call | {"type": "page"},
        call | {"event": "Email Opened", "properties": {"email_id": "e"}},
    ]
    columns = ("name", "profile_id", "received_at")
    assert mapped(landing, "segment/workspace=w/x.gz", rows, "events", *columns) == [
        ("Email Opened", "device", None),
        ("visit", "device", None),
        ("visit", "ann", "2026-03-02T00:00:00Z"),
    ]
    assert landing.query("select delivery_id, metric from raw.engagements") == [("e:device", "opened")]


def test_a_webhook_of_loops_without_an_id_has_one_of_its_own(landing):
    row = {"eventName": "email.opened", "eventTime": 1772323200, "email": {"id": "m"}}
    found = mapped(landing, "loops/workspace=w/x.jsonl", [row, row], "engagements", "engagement_id")
    assert found == [("email.opened:m:1772323200",)] * 2
