"""One experiment: what its messages caused, and whether its split can be believed."""

from typing import Literal

import charts
import choices
import parts
import streamlit as st
from parts import Column
from published import Answer, ask

from orchestration.report.verdicts import sentence

HORIZONS = {"To date": "to_date", "Within the window": "window"}
SPANS = {
    "to_date": "From the assignment until the clock, of everybody.",
    "window": "Within the goal's measurement window from the assignment, of people whose window has ended: "
    "everybody had the same time.",
}
BADGES: dict[str, tuple[str, Literal["red", "gray", "green", "orange"]]] = {
    "sample_ratio_mismatch": ("broken split", "red"),
    "too_few": ("too few people", "gray"),
    "positive": ("more people", "green"),
    "negative": ("fewer people", "orange"),
    "undecided": ("not decided", "gray"),
}
MANY_CONFLICTING = 0.01  # of all assigned
READING = """
- **The verdict first.** You may read it on any day, as often as you like: it uses the wide, *always valid*
  interval. *Newcombe's*, the thin one, is right if you look once, at an end fixed beforehand.
- **The interval, not the dot.** The dot is the best guess; the truth may be anywhere in the interval. An
  interval that crosses the line at 0 does not prove that there is no difference.
- **A broken split** means that people were lost in one arm. Nothing can repair that, so this page then shows
  no difference. Find out where they were lost.
- **Several goals**: decide by the primary one. *p (Holm)* allows for the others.
- **Adjusted** is the impact per person without what a property known before explains; mostly it is narrower.

Each figure, with an example, and when not to believe an experiment: `docs/experiments.md`.
"""


def main() -> None:
    here = choices.workspace()
    found = ask("all_experiments", workspace=here.workspace_id).rows
    if found.empty:
        st.title("Experiments")
        parts.nothing(
            "No experiment is measured in this workspace. Land `holdouts` (who was held out at random) or "
            "deliveries with `is_holdout`, write `experiments:` beside `goals:` in YAML to say for which "
            "goals, and run: `docs/experiments.md` has an example. Without people held out at random nobody "
            "can say what messages caused."
        )
        if elsewhere := list(ask("workspaces_with_experiments").rows.name):
            st.caption(
                f"There are experiments in: {parts.escaped(', '.join(elsewhere))} (choose it at the left)."
            )
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        names = dict(zip(found.experiment_id, found.name, strict=True))
        experiment = choices.one_of("Experiment", names, "experiment")
        horizon = choices.one_of_few("Horizon", HORIZONS, "horizon")
    asked = {"workspace": here.workspace_id, "experiment": experiment, "horizon": horizon}
    lift, arms = ask("lift", **asked), ask("arms", **asked)
    st.title(parts.escaped(names[experiment]), anchor=False)
    about(lift)
    warnings(lift, arms)
    verdicts(lift, SPANS[horizon])
    believed = lift.rows.query("verdict != 'sample_ratio_mismatch' and difference.notna()")
    parts.heading(
        "Difference by goal",
        "How many more of 100 people reached the goal because of the messages. Left of the line: fewer.",
        lift,
    )
    charts.forest(believed)
    if not believed.empty:
        figures(Answer(believed, lift.sql))
    both_arms(arms)
    with st.expander("How to read this", icon=":material/help:"):
        st.markdown(READING)


def about(lift: Answer) -> None:
    first = lift.rows.iloc[0]
    share = first.expected_control_share
    facts = [f"Messages of {parts.escaped(first.source)}"] if not parts.is_missing(first.source) else []
    facts.append(
        "no planned share of the control arm: the split is not tested"
        if parts.is_missing(share)
        else f"{parts.percent(share)} planned as control"
    )
    facts.append(f"{parts.whole(first.conflicting)} people in both arms, counted in neither")
    st.caption(" · ".join(facts))


def warnings(lift: Answer, arms: Answer) -> None:
    """In red: what makes the figures worthless."""
    broken = lift.rows.query("verdict == 'sample_ratio_mismatch'").to_dict("records")
    for said in dict.fromkeys(map(sentence, broken)):
        st.error(parts.escaped(said), icon=":material/error:")
    conflicting = lift.rows.conflicting.iloc[0]
    in_one_arm = (arms.rows.profiles + arms.rows.achieved_before).groupby(arms.rows.goal).sum().max()
    if conflicting > MANY_CONFLICTING * (conflicting + in_one_arm):
        st.error(
            f"{parts.whole(conflicting)} people are in both arms, {parts.whole(in_one_arm)} in one. "
            "Something assigns people twice: find out what before you read on.",
            icon=":material/error:",
        )


def verdicts(lift: Answer, span: str) -> None:
    parts.heading("Verdict", span, lift)
    for row in lift.rows.to_dict("records"):
        words, colour = BADGES[row["verdict"]]
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            st.markdown(f"**{parts.escaped(row['goal'])}**", width="content")
            if row["is_primary"]:
                st.badge("primary", color="blue")
            st.badge(words, color=colour)
        if row["verdict"] != "sample_ratio_mismatch":  # said in red above
            st.markdown(parts.escaped(sentence(row)))


def figures(lift: Answer) -> None:
    """The figures behind the verdicts. None of a broken split."""
    rows = lift.rows.copy()
    rows.loc[rows.impact_currency.isna(), ["impact_difference", "adjusted_impact_difference"]] = None
    shown = rows.assign(
        difference=parts.intervals(rows, "difference", "always_valid", lambda share: f"{100 * share:+.2f}"),
        newcombe=parts.intervals(rows, None, "newcombe", lambda share: f"{100 * share:+.2f}"),
        ratio=parts.intervals(rows, "ratio", "ratio", "{:.2f}".format),
        more=parts.intervals(rows, "incremental_achievers", "incremental_achievers", "{:+,.0f}".format),
        impact=parts.intervals(rows, "impact_difference", "impact_difference", "{:+,.2f}".format),
        adjusted=parts.intervals(
            rows, "adjusted_impact_difference", "adjusted_impact_difference", "{:+,.2f}".format
        ),
    )
    parts.heading(
        "What the messages caused",
        "The best guess, and in brackets an interval that holds the truth in "
        f"{100 * (1 - rows.alpha.iloc[0]):g} of 100 experiments.",
        lift,
    )
    parts.table(
        Answer(shown, lift.sql),
        {
            "goal": Column("Goal"),
            "difference": Column("Difference, points", says="Of 100 people, how many more. Always valid."),
            "newcombe": Column("For one look", says="Newcombe's interval: if you look once, at a fixed end."),
            "adjusted_p": Column("p (Holm)", "p", "For one look, allowing for the other goals."),
            "ratio": Column("Ratio", says="The rate with messages ÷ the rate without."),
            "more": Column("More people", says="Who reached the goal because of the messages. For one look."),
            "impact": Column(
                "Impact per person", says="Difference; 0 for who did not reach the goal. Welch."
            ),
            "adjusted": Column("Adjusted", says="The same, without what the covariate explains (CUPED)."),
        },
        "figures",
    )


def both_arms(arms: Answer) -> None:
    parts.heading(
        "Arms",
        "Everybody counts in the arm assigned, whatever was delivered. Who had reached the goal before is "
        "left out.",
        arms,
    )
    parts.table(
        arms,
        {
            "goal": Column("Goal"),
            "arm": Column("Arm", says="control: held out."),
            "profiles": Column("People", "count", "Who can show an effect."),
            "achieved_before": Column(
                "Achieved before", "count", "Left out: reached it before the assignment."
            ),
            "achievers": Column("Achievers", "count", "People who reached the goal."),
            "rate": Column("Rate", "share", "Achievers ÷ people."),
            "impact_mean": Column("Impact per person", "amount", "In the goal's currency."),
            "impact_currency": Column("Currency"),
        },
        "arms",
    )


main()
