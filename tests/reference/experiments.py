"""Section 11: who was assigned, what they did, and what of it the messages caused; and the conversion curve
of section 10.

Belongs here: arms, horizons, statistics from the single profiles (by statsmodels, where it has them). Does
not: what counts as an achievement (facts.py).
"""

# SEMANTICS is quoted as it is written.
# ruff: noqa: RUF002

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from statistics import NormalDist, variance

import numpy
from scipy.stats import chisquare
from statsmodels.stats.proportion import confint_proportions_2indep, proportions_ztest
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from .filters import look_up
from .goals import Goal
from .reading import Staged
from .reports import ZERO, Known, rate
from .values import add_days, as_number, end_of_local_day

ARMS = ("treatment", "control")
DAY = timedelta(days=1)


@dataclass
class Experiment:
    workspace_id: str
    experiment_id: str
    row: dict = field(default_factory=dict)  # its newest one
    source_id: str | None = None
    expected_control_share: float | None = None
    # profile_id -> arm -> since when
    landed: dict[str, dict[str, datetime]] = field(default_factory=lambda: defaultdict(dict))

    @property
    def alpha(self) -> float:
        return float(self.row.get("alpha", "0.05"))

    def assigned_by(self, as_of: datetime) -> dict[str, dict[str, datetime]]:
        """'Reports … count the facts whose moment is at or before' as_of."""
        arms = {
            profile_id: {arm: at for arm, at in landed.items() if at <= as_of}
            for profile_id, landed in self.landed.items()
        }
        return {profile_id: landed for profile_id, landed in arms.items() if landed}


@dataclass
class Outcome:
    """What one profile of an arm did within a horizon."""

    has_achieved: bool
    impact: Decimal
    covariate: float


@dataclass
class Arm:
    outcomes: list[Outcome] = field(default_factory=list)
    achieved_before: int = 0

    @property
    def n(self) -> int:
        return len(self.outcomes)

    @property
    def achievers(self) -> int:
        return sum(outcome.has_achieved for outcome in self.outcomes)

    @property
    def rate(self) -> float | None:
        return rate(self.achievers, self.n)

    @property
    def impacts(self) -> list[float]:
        return [float(outcome.impact) for outcome in self.outcomes]

    @property
    def covariates(self) -> list[float]:
        return [outcome.covariate for outcome in self.outcomes]

    def columns(self, name: str) -> dict:
        """'Per arm: profiles, achievers, rate, impact (the sum), impact_mean, impact_variance over all
        profiles of the arm (0 for whoever did not achieve).'"""
        total = sum((outcome.impact for outcome in self.outcomes), ZERO)
        columns = {
            "profiles": self.n,
            "achieved_before": self.achieved_before,
            "achievers": self.achievers,
            "rate": self.rate,
            "impact": total,
            "impact_mean": float(total) / self.n if self.n else None,
            "impact_variance": variance(self.impacts) if self.n > 1 else None,
        }
        return {f"{name}_{column}": value for column, value in columns.items()}


# ---- who ---------------------------------------------------------------------------------------------------


def read_experiments(staged: Staged) -> list[Experiment]:
    """'Assignments are the rows of `holdouts`, one per experiment and profile; besides, every source with
    trapped deliveries is the experiment `holdout:<source_id>`'"""
    found: dict[tuple[str, str], Experiment] = {}

    def named(workspace_id: str, experiment_id: str) -> Experiment:
        return found.setdefault((workspace_id, experiment_id), Experiment(workspace_id, experiment_id))

    for row in sorted(staged.standing["experiments"], key=lambda row: row["updated_at"]):
        named(row["workspace_id"], row["experiment_id"]).row = row
    trapped_source: dict[tuple[str, str], str] = {}
    for workspace_id, source_id, profile_id, arm, sent_at in deliveries_that_assign(staged):
        key = (workspace_id, f"holdout:{source_id}")
        trapped_source[key] = source_id
        assign(named(*key), profile_id, arm, sent_at)
    of_experiment = defaultdict(list)
    for row in staged.standing["holdouts"]:
        key = (row["workspace_id"], row["experiment_id"])
        of_experiment[key].append(row)
        for arm in staged.holdout_arms[*key, row["profile_id"]]:
            assign(named(*key), row["profile_id"], arm, row["assigned_at"])
    for key, experiment in found.items():
        # 'What an experiment's newest row leaves empty, its holdouts say (the greatest value among them).'
        sources = [row["source_id"] for row in of_experiment[key] if row["source_id"]]
        shares = [
            float(row["expected_control_share"])
            for row in of_experiment[key]
            if row["expected_control_share"]
        ]
        own_share = experiment.row.get("expected_control_share")
        experiment.source_id = (
            experiment.row.get("source_id") or max(sources, default=None) or trapped_source.get(key)
        )
        experiment.expected_control_share = float(own_share) if own_share else max(shares, default=None)
    return list(found.values())


def deliveries_that_assign(staged: Staged) -> Iterator[tuple[str, str, str, str, datetime]]:
    """'control are the profiles with a trapped delivery of it, treatment those with a sent one … (never by an
    anonymous delivery or one without `sent_at`)'"""
    deliveries = [
        row
        for row in staged.standing["deliveries"]
        if not row["is_anonymous"] and row["sent_at"] is not None and row["source_id"] is not None
    ]
    trapped = {(row["workspace_id"], row["source_id"]) for row in deliveries if row["is_holdout"]}
    for row in deliveries:
        if (row["workspace_id"], row["source_id"]) in trapped:
            arm = "control" if row["is_holdout"] else "treatment"
            yield row["workspace_id"], row["source_id"], row["profile_id"], arm, row["sent_at"]


def assign(experiment: Experiment, profile_id: str, arm: str, at: datetime) -> None:
    """'assigned at the first of them'"""
    landed = experiment.landed[profile_id]
    landed[arm] = min(at, landed.get(arm, at))


# ---- for which goals, within what --------------------------------------------------------------------------


def goals_of(known: Known, experiment: Experiment) -> list[Goal]:
    """'An experiment is measured for its `goal_ids`, or else (empty counts as none) for every goal whose
    newest version lists its source, or else for all goals of the workspace; never for a deleted or unknown
    one.'"""
    goals = [goal for goal in known.goals.values() if goal.workspace_id == experiment.workspace_id]
    goal_ids = experiment.row.get("goal_ids")
    if goal_ids:
        return [goal for goal in goals if goal.goal_id in goal_ids]
    return [goal for goal in goals if experiment.source_id in goal.newest.sources] or goals


def window_end(known: Known, goal: Goal, assigned_at: datetime) -> datetime | None:
    """'within the measurement window of the goal's newest version from `assigned_at`'"""
    days = goal.newest.measurement_window_days
    if days == 0:
        return end_of_local_day(assigned_at, known.workspaces[goal.workspace_id].time_zone)
    return None if days is None else add_days(assigned_at, days)


Achieved = dict[tuple[str, str], dict[str, list[dict]]]  # (workspace, goal) -> profile -> achievements


def achieved_by(known: Known) -> Achieved:
    achieved: Achieved = defaultdict(lambda: defaultdict(list))
    for row in known.until_as_of(known.facts.achievements, "achieved_at"):
        achieved[row["workspace_id"], row["goal_id"]][row["profile_id"]].append(row)
    return achieved


def arms_of(
    known: Known, experiment: Experiment, goal: Goal, horizon: str, achieved: dict[str, list[dict]]
) -> dict[str, Arm]:
    arms = {arm: Arm() for arm in ARMS}
    for profile_id, landed in experiment.assigned_by(known.as_of).items():
        if len(landed) > 1:
            continue
        ((arm, assigned_at),) = landed.items()
        end = known.as_of
        if horizon == "window":
            end = window_end(known, goal, assigned_at)
            if end is None or end >= known.as_of:
                continue  # 'only profiles whose window ended before `as_of`'
        if any(row["achieved_at"] < assigned_at for row in achieved[profile_id]):
            arms[arm].achieved_before += 1
            continue
        within = [row for row in achieved[profile_id] if row["achieved_at"] <= end]
        impact = sum((row["impact_value"] or ZERO for row in within), ZERO)
        covariate = covariate_of(known, experiment, profile_id, assigned_at)
        arms[arm].outcomes.append(Outcome(bool(within), impact, covariate))
    return arms


def covariate_of(known: Known, experiment: Experiment, profile_id: str, at: datetime) -> float:
    """'the property as a number in the state as of `assigned_at`, missing: 0'"""
    name, profile = experiment.row.get("covariate"), known.profiles.get((experiment.workspace_id, profile_id))
    if name is None or profile is None:
        return 0.0
    number = as_number(look_up(profile.state_at(at), name))
    return number if number is not None and abs(number) <= 1e150 else 0.0


# ---- the report --------------------------------------------------------------------------------------------


def rpt_goal_lift(known: Known, staged: Staged) -> list[dict]:
    report, achieved = [], achieved_by(known)
    for experiment in read_experiments(staged):
        conflicting = sum(len(landed) > 1 for landed in experiment.assigned_by(known.as_of).values())
        goal_ids = experiment.row.get("goal_ids")
        for horizon in ("to_date", "window"):
            family = []
            for goal in goals_of(known, experiment):
                arms = arms_of(known, experiment, goal, horizon, achieved[goal.workspace_id, goal.goal_id])
                family.append(
                    {
                        "workspace_id": experiment.workspace_id,
                        "experiment_id": experiment.experiment_id,
                        "experiment_name": experiment.row.get("name"),
                        "goal_id": goal.goal_id,
                        "horizon": horizon,
                        "source_id": experiment.source_id,
                        "currency": goal.currency,
                        "is_primary": bool(goal_ids) and goal_ids[0] == goal.goal_id,
                        "alpha": experiment.alpha,
                        "expected_control_share": experiment.expected_control_share,
                        "conflicting": conflicting,
                        **arms["treatment"].columns("treatment"),
                        **arms["control"].columns("control"),
                        **figures(experiment, arms["treatment"], arms["control"]),
                    }
                )
            report += adjust(family)
    return report


def figures(experiment: Experiment, treatment: Arm, control: Arm) -> dict:
    alpha, has_both = experiment.alpha, bool(treatment.n and control.n)
    split_p = sample_ratio_p(experiment, treatment, control)
    if not has_both:
        return dict.fromkeys(FIGURES) | {
            "sample_ratio_p": split_p,
            "verdict": verdict(treatment, control, split_p),
        }
    counts = (treatment.achievers, treatment.n, control.achievers, control.n)
    wald = confint_proportions_2indep(*counts, method="wald", compare="diff", alpha=alpha, correction=False)
    newcombe = confint_proportions_2indep(
        *counts, method="newcomb", compare="diff", alpha=alpha, correction=False
    )
    found = treatment.rate - control.rate
    half = always_valid_half(treatment, control, alpha)
    z, p = pooled_test(treatment, control)
    ratio, ratio_ends = None, (None, None)
    if treatment.achievers and control.achievers:
        ratio = treatment.rate / control.rate
        ratio_ends = confint_proportions_2indep(
            *counts, method="log", compare="ratio", alpha=alpha, correction=False
        )
    impact = numpy.mean(treatment.impacts) - numpy.mean(control.impacts)
    lower, upper, impact_p = welch(treatment.impacts, control.impacts, alpha)
    valid = (found - half, found + half)
    return {
        "difference": found,
        "wald_lower": wald[0],
        "wald_upper": wald[1],
        "newcombe_lower": newcombe[0],
        "newcombe_upper": newcombe[1],
        "always_valid_lower": valid[0],
        "always_valid_upper": valid[1],
        "z": z,
        "p": p,
        "adjusted_p": None,
        "ratio": ratio,
        "ratio_lower": ratio_ends[0],
        "ratio_upper": ratio_ends[1],
        "incremental_achievers": found * treatment.n,
        "incremental_achievers_lower": newcombe[0] * treatment.n,
        "incremental_achievers_upper": newcombe[1] * treatment.n,
        "impact_difference": impact,
        "impact_difference_lower": lower,
        "impact_difference_upper": upper,
        "impact_p": impact_p,
        **cuped(experiment, treatment, control),
        "sample_ratio_p": split_p,
        "verdict": verdict(treatment, control, split_p, valid),
    }


FIGURES = (
    *("difference", "wald_lower", "wald_upper", "newcombe_lower", "newcombe_upper", "always_valid_lower"),
    *("always_valid_upper", "z", "p", "adjusted_p", "ratio", "ratio_lower", "ratio_upper"),
    *("incremental_achievers", "incremental_achievers_lower", "incremental_achievers_upper"),
    *("impact_difference", "impact_difference_lower", "impact_difference_upper", "impact_p", "theta"),
    *("adjusted_impact_difference", "adjusted_impact_difference_lower", "adjusted_impact_difference_upper"),
    *("adjusted_impact_p", "sample_ratio_p", "verdict"),
)


def pooled_test(treatment: Arm, control: Arm) -> tuple[float | None, float | None]:
    """'z and p of the pooled two-sided test'; there is none where nobody achieved, or everybody."""
    if treatment.achievers + control.achievers in (0, treatment.n + control.n):
        return None, None
    return proportions_ztest([treatment.achievers, control.achievers], [treatment.n, control.n])


def always_valid_half(treatment: Arm, control: Arm, alpha: float) -> float:
    """'normal mixture: ± sqrt(v) · sqrt( 2 (n ρ² + 1) / (n ρ)² · ln( sqrt(n ρ² + 1) / α ) ), n both arms
    together, v = n · (variance_t / n_t + variance_c / n_c), ρ tuned for n = 5000'"""
    n = treatment.n + control.n
    v = n * sum(arm.rate * (1 - arm.rate) / arm.n for arm in (treatment, control))
    rho = math.sqrt((-2 * math.log(alpha) + math.log(-2 * math.log(alpha) + 1)) / 5000)
    mixture = 2 * (n * rho**2 + 1) / (n * rho) ** 2 * math.log(math.sqrt(n * rho**2 + 1) / alpha)
    return math.sqrt(v) * math.sqrt(mixture)


def welch(treatment: list[float], control: list[float], alpha: float) -> tuple:
    """'Welch is null where an arm has under two profiles or nothing varies.'"""
    if min(len(treatment), len(control)) < 2 or (len({*treatment}) == 1 and len({*control}) == 1):
        return None, None, None
    compared = CompareMeans(DescrStatsW(treatment), DescrStatsW(control))
    _, p, _ = compared.ttest_ind(usevar="unequal")
    return *compared.tconfint_diff(alpha=alpha, usevar="unequal"), p


def cuped(experiment: Experiment, treatment: Arm, control: Arm) -> dict:
    """'adjusted: CUPED with the experiment's covariate …, theta over both arms together; without a covariate
    the adjusted figures are null'"""
    names = ("theta", "adjusted_impact_difference", "adjusted_impact_difference_lower")
    names += ("adjusted_impact_difference_upper", "adjusted_impact_p")
    if experiment.row.get("covariate") is None:
        return dict.fromkeys(names)
    impacts = numpy.array(treatment.impacts + control.impacts)
    covariates = numpy.array(treatment.covariates + control.covariates)
    theta = 0.0
    if len({*covariates}) > 1:
        moments = numpy.cov(impacts, covariates)
        theta = moments[0, 1] / moments[1, 1]
    left = impacts - theta * (covariates - covariates.mean())
    arms = [left[: treatment.n], left[treatment.n :]]
    scale = max(numpy.abs(impacts).max(), 1e-300)
    rounded = [[round(value, 12) for value in arm / scale] for arm in arms]  # a perfect fit leaves nothing
    ends = welch(*rounded, experiment.alpha) if explains_all(rounded) else welch(*arms, experiment.alpha)
    return dict(zip(names, (theta, arms[0].mean() - arms[1].mean(), *ends), strict=True))


def explains_all(arms: list[list[float]]) -> bool:
    return all(len({*arm}) <= 1 for arm in arms)


def sample_ratio_p(experiment: Experiment, treatment: Arm, control: Arm) -> float | None:
    """'chi-square of the arms' profiles, those that achieved before included, against expected_control_share
    (none: no test)'"""
    found = [arm.n + arm.achieved_before for arm in (treatment, control)]
    share = experiment.expected_control_share
    if share is None or not sum(found):
        return None
    return chisquare(found, [sum(found) * (1 - share), sum(found) * share]).pvalue


def verdict(treatment: Arm, control: Arm, split_p: float | None, valid: tuple = (0, 0)) -> str:
    """'first that holds: `sample_ratio_mismatch` (p < 0.001), `too_few` (an arm under 100 profiles, or
    achievers or others under 5 in an arm), `positive` / `negative` (the always-valid interval of the
    difference excludes 0), `undecided`'"""
    if split_p is not None and split_p < 0.001:
        return "sample_ratio_mismatch"
    for arm in (treatment, control):
        if arm.n < 100 or arm.achievers < 5 or arm.n - arm.achievers < 5:
            return "too_few"
    if valid[0] > 0:
        return "positive"
    return "negative" if valid[1] < 0 else "undecided"


def adjust(family: list[dict]) -> list[dict]:
    """'Holm over the experiment's goals within a horizon': the smallest p times their number, the next one
    times one less …, none below the one before."""
    tested = sorted((row for row in family if row["p"] is not None), key=lambda row: row["p"])
    highest = 0.0
    for place, row in enumerate(tested):
        highest = max(highest, (len(tested) - place) * row["p"])
        row["adjusted_p"] = min(highest, 1.0)
    return family


# ---- 10. the conversion curve ------------------------------------------------------------------------------


def rpt_conversion_curve(known: Known) -> list[dict]:
    """'goal × source_id (null = all) × day (0 … the window, at most 90) …; the window is the newest
    version's, 0 days have day 0 only'"""
    series = defaultdict(list)
    for row in known.until_as_of(known.facts.enrollments, "enrolled_at"):
        for source_id in (row["source_id"], None):
            series[row["workspace_id"], row["goal_id"], source_id].append(row)
    report = []
    for (workspace_id, goal_id, source_id), enrollments in series.items():
        goal = known.goals[workspace_id, goal_id]
        ends = [end_of(known, goal, row) for row in enrollments]
        remaining, greenwood = 1.0, 0.0
        window = goal.newest.measurement_window_days
        for day in range(min(90 if window is None else window, 90) + 1):
            at_risk = sum(end is None or end[0] >= day for end in ends)
            conversions = ends.count((day, True))
            if at_risk:
                remaining *= 1 - conversions / at_risk
                if conversions < at_risk:
                    greenwood += conversions / (at_risk * (at_risk - conversions))
            lower, upper = log_log_interval(remaining, greenwood)
            report.append(
                {
                    "workspace_id": workspace_id,
                    "goal_id": goal_id,
                    "source_id": source_id,
                    "day": day,
                    "at_risk": at_risk,
                    "conversions": conversions,
                    "censored": ends.count((day, False)),
                    "converted_share": 1 - remaining,
                    "converted_share_lower": lower,
                    "converted_share_upper": upper,
                    "plain_share": sum(end is not None and end[1] and end[0] <= day for end in ends)
                    / len(ends),
                }
            )
    return report


def end_of(known: Known, goal: Goal, enrollment: dict) -> tuple[int, bool] | None:
    """The day of the conversion (True), or of being censored (False): 'a window still open at `as_of` is
    censored there, a shorter closed one at its end'. None: followed as long as the curve goes on."""
    rows = [row for row in goal.accepted if row["updated_at"] == enrollment["goal_version"]]
    own = rows[0]["definition"].measurement_window_days
    newest = goal.newest.measurement_window_days
    converted_at, end = enrollment["converted_at"], enrollment["window_ends_at"]

    def day(moment: datetime) -> int:
        return 0 if own == 0 else (moment - enrollment["enrolled_at"]) // DAY

    if converted_at is not None and converted_at <= known.as_of:
        return day(converted_at), True
    if end is None or end >= known.as_of:
        return day(known.as_of), False
    return (day(end), False) if newest is None or own < newest else None


def log_log_interval(remaining: float, greenwood: float) -> tuple[float | None, float | None]:
    """'its 95 % interval (Greenwood, log-log)'"""
    if not 0 < remaining < 1:
        return None, None
    half = NormalDist().inv_cdf(0.975) * math.sqrt(greenwood) / abs(math.log(remaining))
    return 1 - remaining ** math.exp(-half), 1 - remaining ** math.exp(half)
