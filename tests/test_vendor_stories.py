"""A whole story per vendor: a campaign with two messages, opens out of order and by machines, a bounce, a
holdout, purchases. It lands as that vendor sends it, in three batches, and in our own tables in another
workspace: the marts are the same.

The files are made by hand from the vendors' documentation (docs/feeds.md). What a vendor cannot say lands in
our own tables, as that page tells its users to do.
"""

import gzip
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import fastavro
import pyarrow
import pyarrow.parquet
import pytest
from pipeline import Pipeline

from orchestration.erasure.erase import forget
from orchestration.erasure.people import Person

AS_OF = datetime(2025, 6, 1)
BATCHES = 3


class Own:
    """Tells the story in our own tables, with the ids that a vendor gives. The vendors' classes tell it in
    theirs, and here what they have no words for."""

    price = "total"  # the property of a purchase that says for how much
    knows_machines = True

    def __init__(self, landing: Path, workspace: str):
        self.landing, self.workspace = landing, workspace
        self.batch, self.rows = 1, {}

    # -- the ids, as the vendor's adapter makes them

    def source(self, campaign: str) -> str:
        return campaign

    def delivery(self, delivery: str, person: str) -> str:
        return delivery

    def message(self, message: str) -> str:
        return message

    source_type = "campaign"

    def journey(self, person: str) -> str | None:
        return None

    # -- the story

    def land(self, table: str, **columns) -> None:
        row = {"workspace_id": self.workspace, **columns}
        self.rows.setdefault(table, []).append({k: v for k, v in row.items() if v is not None})

    def campaign(self, campaign: str, at: str) -> None:
        columns = {"source_type": self.source_type, "status": "active", "name": campaign}
        self.land("sources", source_id=self.source(campaign), updated_at=at, **columns)

    def entered(self, person: str, campaign: str, at: str) -> None:
        if journey := self.journey(person):
            columns = {"source_id": self.source(campaign), "profile_id": person, "entered_at": at}
            self.land("journeys", journey_id=journey, **columns)

    def sent(self, delivery: str, person: str, message: str, campaign: str, at: str, trapped=False) -> None:
        self.land(
            "deliveries",
            delivery_id=self.delivery(delivery, person),
            profile_id=person,
            source_type=self.source_type,
            source_id=self.source(campaign),
            journey_id=self.journey(person),
            message_id=self.message(message),
            channel="email",
            sent_at=at,
            is_holdout=trapped or None,
        )

    def held_out(self, person: str, campaign: str, at: str) -> None:
        """Where the vendor does not tell who was held out: a row of ours."""
        source = self.source(campaign)
        self.land(
            "holdouts",
            experiment_id=source,
            profile_id=person,
            arm="control",
            source_id=source,
            assigned_at=at,
        )

    def engaged(
        self, id: str, metric: str, delivery: str, person: str, at: str, machine=False, url=None
    ) -> None:
        columns = {"metric": metric, "occurred_at": at, "url": url, "is_machine": machine or None}
        self.land("engagements", engagement_id=id, delivery_id=self.delivery(delivery, person), **columns)

    def changed(self, id: str, person: str, at: str, plan: str) -> None:
        columns = {"changed_at": at, "change_id": id, "properties": {"plan": plan}}
        self.land("profile_changes", profile_id=person, **columns)

    def deleted(self, id: str, person: str, at: str) -> None:
        columns = {"changed_at": at, "change_id": id, "is_deleted": True}
        self.land("profile_changes", profile_id=person, **columns)

    def purchased(self, id: str, person: str, at: str, total: float) -> None:
        columns = {"name": "purchase", "occurred_at": at, "properties": {self.price: total}}
        self.land("events", event_id=id, profile_id=person, **columns)

    def end_batch(self) -> None:
        for table, rows in self.rows.items():
            self.write(f"{table}/{self.workspace} {self.batch}.jsonl", lines(rows))
        self.batch, self.rows = self.batch + 1, {}

    def write(self, path: str, content: bytes) -> None:
        file = self.landing / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


def tell(teller: Own) -> Iterable[None]:
    """Yields at the end of each batch."""
    definition = {
        "target": {"event": {"name": "purchase"}},
        "measurement_window_days": 14,
        "sources": [teller.source("welcome")],
        "attribution": {"criteria": {"email": "opened"}},
        "impact": {"event_property": teller.price},
    }
    goal = {"goal_id": "buys", "updated_at": "2025-01-01", "definition": definition}
    Own.land(teller, "goals", **goal)
    paid = {"target": {"profile": {"property": "plan", "op": "eq", "value": "paid"}}}
    definition = {"measurement_window_days": 14, "sources": [teller.source("welcome")], **paid}
    Own.land(teller, "goals", goal_id="pays", updated_at="2025-01-01", definition=definition)
    teller.campaign("welcome", "2025-01-01T00:00:00")
    # An open comes before its message.
    teller.engaged("g1", "opened", "d1", "ann", "2025-03-02T08:00:00")
    teller.purchased("e1", "ann", "2025-03-03T12:00:00", 30.5)
    teller.changed("c1", "ann", "2025-03-06T13:00:00", "paid")
    teller.changed("c2", "bob", "2025-02-01T13:00:00", "paid")
    yield teller.end_batch()

    # Ann was free before: a change that comes late.
    teller.changed("c3", "ann", "2025-02-01T13:00:00", "free")
    for person in ("ann", "bob", "cat", "dan"):
        teller.entered(person, "welcome", "2025-03-01T08:59:00")
    for delivery, person in {"d1": "ann", "d2": "bob", "d5": "dan"}.items():
        teller.sent(delivery, person, "1", "welcome", "2025-03-01T09:00:00")
    teller.held_out("cat", "welcome", "2025-03-01T09:00:00")
    teller.engaged("g2", "delivered", "d1", "ann", "2025-03-01T09:00:20")
    teller.engaged("g3", "delivered", "d5", "dan", "2025-03-01T09:00:21")
    teller.engaged("g4", "bounced", "d2", "bob", "2025-03-01T09:05:00")
    if teller.knows_machines:
        teller.engaged("g5", "opened", "d1", "ann", "2025-03-01T09:01:00", machine=True)
        teller.engaged("g6", "opened", "d5", "dan", "2025-03-01T09:01:00", machine=True)
    teller.purchased("e2", "bob", "2025-03-03T10:00:00", 10)
    yield teller.end_batch()

    # The same once more, as senders do that deliver at least once.
    teller.engaged("g1", "opened", "d1", "ann", "2025-03-02T08:00:00")
    teller.sent("d4", "ann", "2", "welcome", "2025-03-05T09:00:00")
    teller.engaged("g7", "delivered", "d4", "ann", "2025-03-05T09:00:30")
    teller.engaged("g8", "opened", "d4", "ann", "2025-03-05T09:59:00")
    teller.engaged("g9", "clicked", "d4", "ann", "2025-03-05T10:00:00", url="https://shop.example/sale")
    teller.purchased("e3", "ann", "2025-03-06T12:00:00", 20)
    teller.purchased("e4", "dan", "2025-03-04T12:00:00", 5)
    teller.purchased("e5", "cat", "2025-03-04T12:00:00", 7)
    teller.deleted("c4", "cat", "2025-04-01T00:00:00")
    teller.engaged("g10", "converted", "d1", "ann", "2025-03-03T12:00:00")
    yield teller.end_batch()


class CustomerIo(Own):
    """Parquet files; no events. Which actions are holdouts stands in a copy of deliveries.sql."""

    workspace = "12"
    trapped_action = 99

    def source(self, campaign: str) -> str:
        return "campaign-7"

    def journey(self, person: str) -> str | None:
        return f"path-{person}"

    def export(self, table: str, **columns) -> None:
        self.rows.setdefault(f"customer_io/{table}", []).append(
            {"workspace_id": 12, "seq_num": self.batch, **columns}
        )

    def campaign(self, campaign, at):
        self.export(
            "campaigns", campaign_id=7, name=campaign, created_at=time(at), updated_at=time("1970-01-01")
        )

    def entered(self, person, campaign, at):
        self.export(
            "subjects",
            subject_name=self.journey(person),
            internal_customer_id=person,
            campaign_id=7,
            campaign_type="event",
            started_campaign_at=time(at),
            created_at=time(at),
        )

    def sent(self, delivery, person, message, campaign, at, trapped=False):
        columns = {"campaign_id": 7, "newsletter_id": None, "subject_id": self.journey(person)}
        self.export(
            "deliveries",
            delivery_id=delivery,
            internal_customer_id=person,
            delivery_type="email",
            action_id=self.trapped_action if trapped else int(message),
            created_at=time(at),
            **columns,
        )
        self.engaged(f"created {delivery}", "created", delivery, person, at)
        self.engaged(f"sent {delivery}", "sent", delivery, person, at)

    def held_out(self, person, campaign, at):
        self.sent("d3", person, "1", campaign, at, trapped=True)

    def engaged(self, id, metric, delivery, person, at, machine=False, url=None):
        columns = {"metric": metric, "created_at": time(at), "link_url": url, "prefetched": machine}
        self.export("metrics", event_id=id, delivery_id=delivery, machine=None, proxied=True, **columns)

    def changed(self, id, person, at, plan):
        columns = {"attribute_name": "plan", "attribute_value": plan, "timestamp": time(at)}
        self.export("attributes", internal_customer_id=person, **columns)

    def deleted(self, id, person, at):
        columns = {
            "customer_id": "",
            "email_addr": "",
            "created_at": time("1970-01-01"),
            "updated_at": time(at),
        }
        self.export("people", internal_customer_id=person, deleted=True, suppressed=False, **columns)

    def end_batch(self):
        if self.batch == BATCHES:
            self.engaged("faulty", "exploded", "d1", "ann", "2025-03-06T00:00:00")
        for table in [table for table in self.rows if table.startswith("customer_io/")]:
            content = pyarrow.BufferOutputStream()
            pyarrow.parquet.write_table(pyarrow.Table.from_pylist(self.rows.pop(table)), content)
            self.write(f"{table}_v4_12_{self.batch:04}.parquet", content.getvalue().to_pybytes())
        super().end_batch()


class CustomerIoTwin(Own):
    source, journey = CustomerIo.source, CustomerIo.journey

    def held_out(self, person, campaign, at):
        self.sent("d3", person, str(CustomerIo.trapped_action), campaign, at, trapped=True)


class Webhooks(Own):
    """JSON lines as received. They do not tell who was held out, nor what people are like."""

    folder = "customer_io_webhooks/workspace=hooks"
    workspace = "hooks"

    def source(self, campaign: str) -> str:
        return "campaign-7"

    def receive(self, **line) -> None:
        self.rows.setdefault("", []).append(line)

    def hook(self, id, metric, at, **data) -> None:
        seconds = int(time(at).timestamp())
        self.receive(event_id=id, object_type="email", metric=metric, timestamp=seconds, data=data)

    def sent(self, delivery, person, message, campaign, at, trapped=False):
        data = {"customer_id": person, "identifiers": {"id": person, "cio_id": f"cio {person}"}}
        self.hook(
            f"s{delivery}", "sent", at, delivery_id=delivery, campaign_id=7, action_id=int(message), **data
        )

    def engaged(self, id, metric, delivery, person, at, machine=False, url=None):
        self.hook(id, metric, at, delivery_id=delivery, href=url, machine=machine)

    def end_batch(self):
        self.write(f"{self.folder}/{self.batch}.jsonl", lines(self.rows.pop("", [])))
        super().end_batch()


class WebhooksTwin(Own):
    source = Webhooks.source


class Loops(Webhooks):
    """They know no machines and no conversions."""

    folder, workspace = "loops/workspace=loops", "loops"
    knows_machines = False
    source = Own.source

    def event(self, name, at, delivery, person, **columns) -> None:
        self.receive(
            eventName=name,
            eventTime=int(time(at).timestamp()),
            contactIdentity={"id": f"contact {person}", "email": f"{person}@example.com", "userId": person},
            email={"id": delivery, "emailMessageId": columns.pop("message", "1"), "subject": "Hello"},
            **columns,
        )

    def sent(self, delivery, person, message, campaign, at, trapped=False):
        self.event("loop.email.sent", at, delivery, person, message=message, loopId=campaign)

    def engaged(self, id, metric, delivery, person, at, machine=False, url=None):
        if metric != "converted":
            name = {"bounced": "hardBounced"}.get(metric, metric)
            self.event(f"email.{name}", at, delivery, person, sourceType="loop", webhookId=id)

    def changed(self, id, person, at, plan):
        contact = {"id": f"contact {person}", "userId": person, "plan": plan}
        self.contact("contact.created", id, person, at, contact=contact)

    def deleted(self, id, person, at):
        self.contact("contact.deleted", id, person, at)

    def contact(self, name, id, person, at, **columns) -> None:
        identity = {"id": f"contact {person}", "email": f"{person}@example.com", "userId": person}
        seconds = int(time(at).timestamp())
        self.receive(eventName=name, eventTime=seconds, contactIdentity=identity, webhookId=id, **columns)


class LoopsTwin(Own):
    knows_machines = False

    def changed(self, id, person, at, plan):
        contact = {"id": f"contact {person}", "userId": person, "plan": plan}
        columns = {"changed_at": at, "change_id": id, "properties": contact}
        self.land("profile_changes", profile_id=person, **columns)

    def engaged(self, id, metric, delivery, person, at, machine=False, url=None):
        if metric != "converted":  # nor links
            super().engaged(id, metric, delivery, person, at)


class Segment(Own):
    """Gzip without another suffix, objects one after another on a line. E-mail events know no machines."""

    workspace = "segment"
    knows_machines = False

    def delivery(self, delivery: str, person: str) -> str:
        return f"mail {delivery}:{person}"

    def message(self, message: str) -> str | None:
        return None  # the e-mail

    def call(self, type_, id, person, at, **columns) -> None:
        times = {"timestamp": f"{at}.000Z", "receivedAt": f"{at}.250Z"}
        row = {"messageId": id, "type": type_, "userId": person, "anonymousId": "device", **times}
        self.rows.setdefault("", []).append(row | {"context": {"library": {"name": "}{"}}} | columns)

    def track(self, id, event, person, at, **properties) -> None:
        self.call("track", id, person, at, event=event, properties=properties)

    def changed(self, id, person, at, plan):
        self.call("identify", id, person, at, traits={"plan": plan})

    def sent(self, delivery, person, message, campaign, at, trapped=False):
        self.track(
            f"s{delivery}", "Email Sent", person, at, email_id=f"mail {delivery}", campaign_id=campaign
        )

    def engaged(self, id, metric, delivery, person, at, machine=False, url=None):
        names = {
            "delivered": "Delivered",
            "opened": "Opened",
            "clicked": "Link Clicked",
            "bounced": "Bounced",
        }
        if metric in names:
            columns = {"email_id": f"mail {delivery}", "campaign_id": "welcome", "link_url": url}
            self.track(id, f"Email {names[metric]}", person, at, **columns)

    def purchased(self, id, person, at, total):
        self.track(id, "purchase", person, at, total=total)

    def end_batch(self):
        content = " ".join(json.dumps(row) for row in self.rows.pop("", []))
        path = f"segment/workspace=segment/segment-logs/src/174{self.batch}/part.gz"
        self.write(path, gzip.compress(content.encode()))
        super().end_batch()


class SegmentTwin(Own):
    knows_machines = False
    delivery = Segment.delivery

    def sent(self, delivery, person, message, campaign, at, trapped=False):
        super().sent(delivery, person, f"mail {delivery}", campaign, at)

    def engaged(self, id, metric, delivery, person, at, machine=False, url=None):
        if metric != "converted":
            super().engaged(id, metric, delivery, person, at, url=url)

    def purchased(self, id, person, at, total):
        columns = {"name": "purchase", "occurred_at": at, "received_at": f"{at}.250"}
        self.land("events", event_id=id, profile_id=person, properties={"total": total}, **columns)


class Braze(Own):
    """A tree of Avro files, of JSON in the second batch. A campaign is one message, so our broadcast."""

    workspace = "brazil"
    price = "price"
    source_type = "broadcast"

    def delivery(self, delivery: str, person: str) -> str:
        return f"dispatch {delivery}:variation:{person}'s user"

    def message(self, message: str) -> str:
        return "variation"

    def event(self, type_, id, person, at, **columns) -> None:
        person_columns = {"user_id": f"{person}'s user", "external_user_id": person}
        row = {"id": id, "time": int(time(at).timestamp()), "app_group_id": self.workspace, **person_columns}
        self.rows.setdefault(f"braze {type_}", []).append(row | columns)

    def of_message(self, delivery: str, campaign: str = "welcome") -> dict:
        return {
            "dispatch_id": f"dispatch {delivery}",
            "campaign_id": campaign,
            "message_variation_id": "variation",
        }

    def sent(self, delivery, person, message, campaign, at, trapped=False):
        self.event("messages.email.Send", f"s{delivery}", person, at, **self.of_message(delivery, campaign))

    def held_out(self, person, campaign, at):
        self.event("campaigns.EnrollInControl", "h1", person, at, campaign_id=campaign)

    def engaged(self, id, metric, delivery, person, at, machine=False, url=None):
        types = {
            "delivered": "messages.email.Delivery",
            "opened": "messages.email.Open",
            "clicked": "messages.email.Click",
            "bounced": "messages.email.Bounce",
            "converted": "campaigns.Conversion",
        }
        columns = self.of_message(delivery)
        if metric == "opened":
            columns["machine_open"] = "true" if machine else None
        if metric == "clicked":
            columns |= {"url": url, "is_suspected_bot_click": False}
        self.event(types[metric], id, person, at, **columns)

    def purchased(self, id, person, at, total):
        columns = {
            "product_id": "p",
            "price": float(total),
            "currency": "USD",
            "properties": '{"colour": "red"}',
        }
        self.event("behaviors.Purchase", id, person, at, **columns)

    def end_batch(self):
        for key in [key for key in self.rows if key.startswith("braze ")]:
            rows, type_ = self.rows.pop(key), key.removeprefix("braze ")
            export = "braze/currents/dataexport.prod-01.S3.integration.1"
            folder = f"{export}/event_type=users.{type_}/date=2025-03-0{self.batch}"
            if self.batch == 2:
                self.write(f"{folder}/1.json", lines(rows))
                continue
            path = self.landing / folder / "version=6" / "us-01" / "dataexport.prod-01.S3+0+1.avro"
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as stream:
                fastavro.writer(stream, avro_schema(type_, rows), rows)
        super().end_batch()


class BrazeTwin(Own):
    price, source_type = "price", "broadcast"
    delivery, message = Braze.delivery, Braze.message

    def held_out(self, person, campaign, at):
        """Who is sent the campaign is the treatment."""
        self.land(
            "deliveries",
            delivery_id=f"{campaign}:{person}'s user",
            profile_id=person,
            source_type="broadcast",
            source_id=campaign,
            channel="control_group",
            sent_at=at,
            is_holdout=True,
        )
        experiment = f"holdout:{campaign}"
        self.land(
            "holdouts",
            experiment_id=experiment,
            profile_id=person,
            arm="control",
            source_id=campaign,
            assigned_at=at,
        )

    def purchased(self, id, person, at, total):
        properties = {"colour": "red", "product_id": "p", "price": total, "currency": "USD"}
        columns = {"name": "purchase", "occurred_at": at, "properties": properties}
        self.land("events", event_id=id, profile_id=person, **columns)


VENDORS = {
    CustomerIo: CustomerIoTwin,
    Webhooks: WebhooksTwin,
    Loops: LoopsTwin,
    Segment: SegmentTwin,
    Braze: BrazeTwin,
}


def time(at: str) -> datetime:
    return datetime.fromisoformat(at).replace(tzinfo=UTC)


def lines(rows: list[dict]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def avro_schema(type_: str, rows: list[dict]) -> dict:
    types = {str: "string", int: "long", float: "double", bool: "boolean"}
    columns = {name: value for row in rows for name, value in row.items()}
    fields = [
        {"name": name, "type": ["null", types.get(type(value), "string")]} for name, value in columns.items()
    ]
    return {"type": "record", "name": type_.rpartition(".")[2], "fields": fields}


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory) -> Pipeline:
    """All stories, each in its own workspace, in one build a batch."""
    home = tmp_path_factory.mktemp("vendors")
    own_adapters(home / "adapters")
    pipeline = Pipeline(home)
    pipeline.settings = pipeline.settings.model_copy(update={"adapters": home / "adapters"})
    tellers = [vendor(pipeline.landing, vendor.workspace) for vendor in VENDORS]
    twins = [twin(pipeline.landing, f"{vendor.workspace} twin") for vendor, twin in VENDORS.items()]
    tellings = [tell(teller) for teller in (*tellers, *twins)]
    for _ in range(BATCHES):
        for telling in tellings:
            next(iter(telling))
        pipeline.run(AS_OF)
    return pipeline


def own_adapters(folder: Path) -> None:
    """As docs/feeds.md says: a copy of one SQL file, which names the actions that are holdouts."""
    from orchestration.landing.vendors import BUILT_IN

    text = (BUILT_IN / "customer_io" / "deliveries.sql").read_text()
    (folder / "customer_io").mkdir(parents=True)
    copy = text.replace("in ('')", f"in ('{CustomerIo.trapped_action}')")
    assert copy != text
    (folder / "customer_io" / "deliveries.sql").write_text(copy)


def compared(pipeline: Pipeline, mart: str, workspace: str) -> list[str]:
    """The mart's rows of a workspace, without it and the ids and keys that are made of it."""
    made = ("workspace_id", "achievement_id", "enrollment_id")
    rows = pipeline.query(f"select * from marts.{mart}")
    return sorted(
        str({name: value for name, value in row.items() if name not in made and not name.endswith("_key")})
        for row in rows
        if row["workspace_id"] == workspace
    )


@pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.__name__)
def test_the_marts_of_a_vendors_files_equal_those_of_our_own_tables(pipeline, vendor):
    found = pipeline.query(
        "select table_name from duckdb_columns() "
        "where database_name = 'marts' and schema_name = 'main' and column_name = 'workspace_id'"
    )
    marts = {row["table_name"] for row in found}
    assert "fct_conversions" in marts
    for mart in sorted(marts):
        ours = compared(pipeline, mart, f"{vendor.workspace} twin")
        assert compared(pipeline, mart, vendor.workspace) == ours, mart
    purchases = pipeline.query(
        "select profile_id, is_attributed, unattributed_reason from marts.fct_attributions "
        f"where workspace_id = '{vendor.workspace}' and goal_id = 'buys' order by achieved_at, profile_id"
    )
    assert [(*row.values(),) for row in purchases] == [
        ("bob", False, "no_delivery"),  # it bounced
        ("ann", True, None),
        ("cat", False, "no_delivery"),  # held out
        ("dan", False, "no_qualifying_metric"),  # a machine opened it
        ("ann", True, None),
    ]
    paid = pipeline.query(
        "select profile_id, achieved_at from marts.fct_achievements "
        f"where workspace_id = '{vendor.workspace}' and goal_id = 'pays' order by achieved_at"
    )
    assert [row["profile_id"] for row in paid] == ["bob", "ann"]


def test_a_faulty_row_is_quarantined_as_the_vendor_wrote_it(pipeline):
    [row] = pipeline.query(
        "select path, row_number, reason_code, problem, raw_record from quarantine.engagements"
    )
    assert row["path"] == "customer_io/metrics_v4_12_0003.parquet"
    assert row["reason_code"] == "bad_enum"
    record = json.loads(row["raw_record"])
    assert record["metric"] == "exploded" and record["created_at"] == "2025-03-06T00:00:00.000000"
    assert record["seq_num"] == 3 and record["proxied"] is True and record["link_url"] is None


def test_every_file_of_a_vendor_loads_and_no_column_is_unknown(pipeline):
    assert (
        pipeline.query("select * from raw.files where outcome <> 'loaded' or len(unknown_columns) > 0") == []
    )
    quarantined = pipeline.query("select table_name from staging.row_accounting where quarantined > 0")
    assert quarantined == [{"table_name": "engagements"}]


def test_whoever_is_forgotten_is_in_no_record_of_a_vendor_either(pipeline, tmp_path):
    other = Pipeline(tmp_path / "home")
    pipeline.copy_databases(other)
    people = [Person("segment", "ann"), Person("12", "ann")]
    assert forget(other.settings, people)
    for table in ("events", "deliveries", "engagements", "profile_changes"):
        of_vendors = f"from raw.{table} where vendor_record is not null and workspace_id in ('segment', '12')"
        assert other.query(f"select 1 {of_vendors} and contains(vendor_record, '\"ann\"')") == []
        assert other.query(f"select 1 {of_vendors}"), table  # of everybody else they stay
