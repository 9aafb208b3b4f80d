"""The statistics of experiments against statsmodels, over random arms (whole marts: tests/reference/)."""

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep, proportions_ztest
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from orchestration.lift import Arm, figures, holm

DICE = np.random.default_rng(7)


def simulated_arm(people: int, effect: float) -> tuple[Arm, np.ndarray, np.ndarray]:
    covariate = DICE.gamma(2, 10, people)
    impact = np.where(DICE.random(people) < 0.4, effect + covariate + DICE.normal(0, 3, people), 0)
    arm = Arm(
        people,
        np.count_nonzero(impact),
        impact_mean=impact.mean(),
        impact_variance=impact.var(ddof=1),
        covariate_mean=covariate.mean(),
        covariate_variance=covariate.var(ddof=1),
        covariance=np.cov(impact, covariate)[0, 1],
    )
    return arm, impact, covariate


@pytest.mark.parametrize(
    ("treated", "held_out", "alpha"), [(900, 100, 0.05), (150, 140, 0.2), (12, 30, 0.01)]
)
def test_every_figure_is_that_of_statsmodels(treated, held_out, alpha):
    treatment, impacts, covariates = simulated_arm(treated, 5)
    control, control_impacts, control_covariates = simulated_arm(held_out, 0)
    row = {name: value.item() for name, value in figures(treatment, control, alpha, 0.5).items()}

    counts = (treatment.achievers, treated, control.achievers, held_out)
    for name, method, compare in (
        ("wald", "wald", "diff"),
        ("newcombe", "newcomb", "diff"),
        ("ratio", "log", "ratio"),
    ):
        ends = confint_proportions_2indep(
            *counts, method=method, compare=compare, alpha=alpha, correction=False
        )
        assert (row[f"{name}_lower"], row[f"{name}_upper"]) == pytest.approx(ends)
    z, p = proportions_ztest([counts[0], counts[2]], [treated, held_out])
    assert (row["z"], row["p"]) == pytest.approx((z, p))

    both = np.concatenate([covariates, control_covariates])
    moments = np.cov(np.concatenate([impacts, control_impacts]), both)
    theta = moments[0, 1] / moments[1, 1]
    assert row["theta"] == pytest.approx(theta)
    for name, slope in (("impact", 0), ("adjusted_impact", theta)):
        compared = CompareMeans(
            DescrStatsW(impacts - slope * covariates),
            DescrStatsW(control_impacts - slope * control_covariates),
        )
        ends = compared.tconfint_diff(alpha=alpha, usevar="unequal")
        assert (row[f"{name}_difference_lower"], row[f"{name}_difference_upper"]) == pytest.approx(ends)
        assert row[f"{name}_p"] == pytest.approx(compared.ttest_ind(usevar="unequal")[1])


def test_holm_is_that_of_statsmodels_and_leaves_out_what_has_no_p():
    p = DICE.random(20) ** 3
    adjusted = multipletests(p, method="holm")[1]
    assert holm(p) == pytest.approx(adjusted)
    found = holm(np.append(p, np.nan))
    assert found[:-1] == pytest.approx(adjusted)
    assert np.isnan(found[-1])


def test_a_covariate_that_explains_everything_leaves_no_interval():
    arms = [
        Arm(
            3,
            2,
            impact_mean=2 * mean,
            impact_variance=4.0,
            covariate_mean=mean,
            covariate_variance=1.0,
            covariance=2.0,
        )
        for mean in (5.0, 6.0)
    ]
    row = figures(arms[0], arms[1], 0.05, np.nan)
    assert row["theta"] == pytest.approx(2)
    assert row["adjusted_impact_difference"] == pytest.approx(0)
    assert np.isnan(row["adjusted_impact_p"])
