"""The statistics of experiments: what each figure of rpt_goal_lift says, from the sums of its two arms.

Belongs here: the formulas of SEMANTICS, section 11, over arrays with an element per experiment, goal and
horizon; distributions are scipy's. Does not: counting (int_experiment_arms.sql) or reading and writing tables
(int_experiment_statistics.py). An undefined figure is NaN.

tests/reference has the same figures by statsmodels and from the single profiles; tests/test_simulation.py
shows that the intervals keep what they promise.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

Numbers = NDArray[np.float64]
Interval = tuple[Numbers, Numbers]

TUNED_FOR = 5000  # profiles at which the always-valid interval is narrowest
BROKEN_SPLIT_P = 0.001
ROUNDING = 1e-12
FEWEST_PROFILES, FEWEST_ACHIEVERS = 100, 5


@dataclass(frozen=True)
class Arm:
    """The sums of an arm; each is an array, or one number."""

    profiles: ArrayLike
    achievers: ArrayLike
    achieved_before: ArrayLike = 0
    impact_mean: ArrayLike = np.nan
    impact_variance: ArrayLike = np.nan
    covariate_mean: ArrayLike = np.nan
    covariate_variance: ArrayLike = np.nan
    covariance: ArrayLike = np.nan

    @property
    def n(self) -> Numbers:
        return np.asarray(self.profiles, float)

    @property
    def rate(self) -> Numbers:
        return _divide(self.achievers, self.n)

    @property
    def others(self) -> Numbers:
        return self.n - np.asarray(self.achievers, float)


# ---- rates -------------------------------------------------------------------------------------------------


def difference(treatment: Arm, control: Arm) -> Numbers:
    return treatment.rate - control.rate


def wald(treatment: Arm, control: Arm, alpha: ArrayLike) -> Interval:
    """Unpooled."""
    variance = _rate_variance(treatment) + _rate_variance(control)
    return _around(difference(treatment, control), _z(alpha) * np.sqrt(variance))


def _rate_variance(arm: Arm) -> Numbers:
    return _divide(arm.rate * (1 - arm.rate), arm.n)


def newcombe(treatment: Arm, control: Arm, alpha: ArrayLike) -> Interval:
    """From Wilson's intervals of both rates, without a correction."""
    (treatment_low, treatment_high), (control_low, control_high) = (
        _wilson(arm, alpha) for arm in (treatment, control)
    )
    found = difference(treatment, control)
    return (
        found - np.hypot(treatment.rate - treatment_low, control_high - control.rate),
        found + np.hypot(treatment_high - treatment.rate, control.rate - control_low),
    )


def _wilson(arm: Arm, alpha: ArrayLike) -> Interval:
    z = _z(alpha)
    centre = arm.rate + z**2 / (2 * arm.n)
    half = z * np.sqrt(arm.rate * (1 - arm.rate) / arm.n + z**2 / (4 * arm.n**2))
    return (centre - half) / (1 + z**2 / arm.n), (centre + half) / (1 + z**2 / arm.n)


def pooled_test(treatment: Arm, control: Arm) -> tuple[Numbers, Numbers]:
    """z and the two-sided p; undefined if everybody achieved, or nobody."""
    both = _divide(np.add(treatment.achievers, control.achievers), treatment.n + control.n)
    error = np.sqrt(both * (1 - both) * (_divide(1, treatment.n) + _divide(1, control.n)))
    z = _divide(difference(treatment, control), error)
    return z, 2 * special.ndtr(-np.abs(z))


def always_valid(treatment: Arm, control: Arm, alpha: ArrayLike) -> Interval:
    """The normal mixture: holds at every look at once, however often one looks."""
    log = -2 * np.log(alpha)
    rho = np.sqrt((log + np.log(log + 1)) / TUNED_FOR)
    n = treatment.n + control.n
    variance = n * (_rate_variance(treatment) + _rate_variance(control))
    grown = n * rho**2 + 1
    half = np.sqrt(variance) * np.sqrt(2 * grown / (n * rho) ** 2 * np.log(np.sqrt(grown) / alpha))
    return _around(difference(treatment, control), half)


def ratio(treatment: Arm, control: Arm, alpha: ArrayLike) -> tuple[Numbers, Numbers, Numbers]:
    """The ratio of the rates and its interval by the log method; undefined if a rate is 0."""
    found = np.where(treatment.rate > 0, _divide(treatment.rate, control.rate), np.nan)
    variance = sum(_divide(1 - arm.rate, arm.achievers) for arm in (treatment, control))
    factor = np.exp(_z(alpha) * np.sqrt(variance))
    return found, found / factor, found * factor


def sample_ratio_p(treatment: Arm, control: Arm, expected_control_share: ArrayLike) -> Numbers:
    """Chi-square of the profiles that were assigned, also those that had achieved before."""
    found = [arm.n + np.asarray(arm.achieved_before, float) for arm in (treatment, control)]
    share = np.asarray(expected_control_share, float)
    expected = [sum(found) * (1 - share), sum(found) * share]
    square = sum(_divide((got - wanted) ** 2, wanted) for got, wanted in zip(found, expected, strict=True))
    return special.chdtrc(1, square)


# ---- impact ------------------------------------------------------------------------------------------------


def welch(
    found: Numbers, variances: Sequence[Numbers], sizes: Sequence[Numbers], alpha: ArrayLike
) -> tuple[Numbers, Numbers, Numbers]:
    """The interval and p of a difference of means; undefined if an arm has under two profiles, or nothing
    varies."""
    parts = [
        np.where(size > 1, _divide(variance, size), np.nan)
        for variance, size in zip(variances, sizes, strict=True)
    ]
    error = np.sqrt(np.where(sum(parts) > 0, sum(parts), np.nan))
    spread = sum(_divide(part**2, size - 1) for part, size in zip(parts, sizes, strict=True))
    freedom = _divide(error**4, spread)
    low, high = _around(found, special.stdtrit(freedom, 1 - np.asarray(alpha) / 2) * error)
    return low, high, 2 * special.stdtr(freedom, -np.abs(found / error))


def theta(treatment: Arm, control: Arm) -> Numbers:
    """The slope of impact over the covariate, over both arms together; 0 if the covariate does not vary."""
    apart = treatment.n * control.n / (treatment.n + control.n)
    means = np.subtract(treatment.covariate_mean, control.covariate_mean)
    impacts = np.subtract(treatment.impact_mean, control.impact_mean)
    cross = _within(treatment, control, "covariance") + apart * means * impacts
    square = _within(treatment, control, "covariate_variance") + apart * means**2
    return np.where(square == 0, 0.0, _divide(cross, square))


def _within(treatment: Arm, control: Arm, moment: str) -> Numbers:
    """The sum of squares (or products) within the arms; an arm of one profile has none."""
    inside, outside = (
        np.where(arm.n == 1, 0.0, (arm.n - 1) * np.asarray(getattr(arm, moment), float))
        for arm in (treatment, control)
    )
    return inside + outside


def adjusted_variance(arm: Arm, slope: Numbers) -> Numbers:
    """Of impact, less theta times the covariate; 0 where only rounding is left of it."""
    all_of_it = np.asarray(arm.impact_variance, float) + slope**2 * np.asarray(arm.covariate_variance, float)
    left = all_of_it - 2 * slope * np.asarray(arm.covariance, float)
    return np.where(left <= ROUNDING * all_of_it, 0.0, left)


# ---- several goals, and the verdict ------------------------------------------------------------------------


def holm(p_values: ArrayLike) -> Numbers:
    """Holm's adjusted p of the goals of one experiment and horizon; a goal without p is none of them."""
    p = np.asarray(p_values, float)
    order = np.argsort(p)  # NaN last
    factors = np.count_nonzero(~np.isnan(p)) - np.arange(p.size)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate(factors * p[order]), 1)
    return adjusted


def verdict(treatment: Arm, control: Arm, split_p: Numbers, interval: Interval) -> NDArray[np.str_]:
    """The first that holds."""
    low, high = interval
    is_few = np.zeros_like(low, bool)
    for arm in (treatment, control):
        is_few |= (arm.n < FEWEST_PROFILES) | (np.asarray(arm.achievers) < FEWEST_ACHIEVERS)
        is_few |= arm.others < FEWEST_ACHIEVERS
    return np.select(
        [split_p < BROKEN_SPLIT_P, is_few, low > 0, high < 0],
        ["sample_ratio_mismatch", "too_few", "positive", "negative"],
        "undecided",
    )


def figures(
    treatment: Arm, control: Arm, alpha: ArrayLike, expected_control_share: ArrayLike
) -> dict[str, NDArray]:
    """Every figure of rpt_goal_lift but adjusted_p, by its column."""
    with np.errstate(all="ignore"):
        found = difference(treatment, control)
        newcombe_low, newcombe_high = newcombe(treatment, control, alpha)
        valid = always_valid(treatment, control, alpha)
        z, p = pooled_test(treatment, control)
        split_p = sample_ratio_p(treatment, control, expected_control_share)
        impact = np.subtract(treatment.impact_mean, control.impact_mean)
        variances = [np.asarray(arm.impact_variance, float) for arm in (treatment, control)]
        sizes = [treatment.n, control.n]
        slope = theta(treatment, control)
        adjusted = impact - slope * np.subtract(treatment.covariate_mean, control.covariate_mean)
        adjusted_variances = [adjusted_variance(arm, slope) for arm in (treatment, control)]
        return {
            "difference": found,
            **_named("wald", wald(treatment, control, alpha)),
            **_named("newcombe", (newcombe_low, newcombe_high)),
            **_named("always_valid", valid),
            "z": z,
            "p": p,
            **_named("ratio", ratio(treatment, control, alpha), "", "_lower", "_upper"),
            "incremental_achievers": found * treatment.n,
            **_named("incremental_achievers", (newcombe_low * treatment.n, newcombe_high * treatment.n)),
            "impact_difference": impact,
            **_named(
                "impact",
                welch(impact, variances, sizes, alpha),
                "_difference_lower",
                "_difference_upper",
                "_p",
            ),
            "theta": slope,
            "adjusted_impact_difference": adjusted,
            **_named(
                "adjusted_impact",
                welch(adjusted, adjusted_variances, sizes, alpha),
                *("_difference_lower", "_difference_upper", "_p"),
            ),
            "sample_ratio_p": split_p,
            "verdict": verdict(treatment, control, split_p, valid),
        }


def _named(name: str, values: Sequence[Numbers], *endings: str) -> dict[str, Numbers]:
    return {
        f"{name}{ending}": value
        for ending, value in zip(endings or ("_lower", "_upper"), values, strict=True)
    }


def _z(alpha: ArrayLike) -> Numbers:
    return special.ndtri(1 - np.asarray(alpha) / 2)


def _around(centre: Numbers, half: Numbers) -> Interval:
    return centre - half, centre + half


def _divide(dividend: ArrayLike, divisor: ArrayLike) -> Numbers:
    """Undefined where the divisor is 0."""
    divisor = np.asarray(divisor, float)
    return np.asarray(dividend, float) / np.where(divisor == 0, np.nan, divisor)
