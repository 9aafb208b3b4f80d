"""Grain: one row per experiment, goal and horizon: the statistics of its two arms (SEMANTICS, section 11).

The formulas are in orchestration/lift.py; distributions are scipy's. Only sums come here: a few rows, however
many people. Without an experiment, nothing is imported.
"""

import json

ARM = (
    "profiles",
    "achievers",
    "achieved_before",
    "impact_mean",
    "impact_variance",
    "covariate_mean",
    "covariate_variance",
    "covariance",
)
KEY = ("workspace_id", "experiment_id", "goal_id", "horizon")
FIGURES = (
    *("difference", "wald_lower", "wald_upper", "newcombe_lower", "newcombe_upper"),
    *("always_valid_lower", "always_valid_upper", "z", "p", "adjusted_p"),
    *("ratio", "ratio_lower", "ratio_upper"),
    *("incremental_achievers", "incremental_achievers_lower", "incremental_achievers_upper"),
    *("impact_difference", "impact_difference_lower", "impact_difference_upper", "impact_p", "theta"),
    *("adjusted_impact_difference", "adjusted_impact_difference_lower", "adjusted_impact_difference_upper"),
    *("adjusted_impact_p", "sample_ratio_p"),
)
COLUMNS = dict.fromkeys(KEY, "varchar") | dict.fromkeys(FIGURES, "double") | {"verdict": "varchar"}


def model(dbt, session):
    dbt.config(materialized="table")
    arms = dbt.ref("int_experiment_arms")
    pairs = (
        arms.filter("arm = 'treatment'")
        .set_alias("treatment")
        .join(arms.filter("arm = 'control'").set_alias("control"), ", ".join(KEY))
        .join(dbt.ref("int_experiments").set_alias("experiments"), "workspace_id, experiment_id")
        .project(
            ", ".join(
                (
                    *KEY,
                    "experiments.alpha",
                    "experiments.expected_control_share",
                    *(f"{arm}.{column}" for arm in ("treatment", "control") for column in ARM),
                )
            )
        )
        .order(", ".join(KEY))
        .fetchall()
    )
    text = json.dumps(_rows(pairs) if pairs else []).replace("'", "''")
    return session.sql(f"select unnest(from_json('{text}', '{json.dumps([COLUMNS])}'), max_depth := 2)")


def _rows(pairs):
    from itertools import groupby

    import numpy

    from orchestration.lift import Arm, figures, holm

    keys = [row[: len(KEY)] for row in pairs]
    numbers = numpy.array([row[len(KEY) :] for row in pairs], float)  # null: NaN
    alpha, expected_control_share, *sums = numbers.T
    treatment, control = Arm(*sums[: len(ARM)]), Arm(*sums[len(ARM) :])
    columns = figures(treatment, control, alpha, expected_control_share)
    columns["adjusted_p"] = columns["p"].copy()
    in_family = sorted(range(len(keys)), key=lambda place: (keys[place][0], keys[place][1], keys[place][3]))
    for _, family in groupby(in_family, key=lambda place: (keys[place][0], keys[place][1], keys[place][3])):
        places = list(family)
        columns["adjusted_p"][places] = holm(columns["p"][places])
    return [
        dict(zip(KEY, key, strict=True))
        | {
            name: float(columns[name][place]) if numpy.isfinite(columns[name][place]) else None
            for name in FIGURES
        }
        | {"verdict": str(columns["verdict"][place])}
        for place, key in enumerate(keys)
    ]
