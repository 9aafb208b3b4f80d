"""Section 10, `rpt_vendor_conversions`: our converted deliveries beside the vendor's.

Belongs here: this report. Does not: what is credited (facts.py).
"""

from .reading import Staged
from .reports import Known, of


def rpt_vendor_conversions(known: Known, staged: Staged, performance: list[dict]) -> list[dict]:
    """'… our converted deliveries and the vendor's (`converted` engagements), how many agree,
    only ours, only theirs, and of these by reason'"""
    converted = {
        (row["workspace_id"], row["delivery_id"])
        for row in known.until_as_of(staged.standing["engagements"], "occurred_at")
        if row["metric"] == "converted"
    }
    deliveries = [
        row for row in staged.standing["deliveries"] if (row["workspace_id"], row["delivery_id"]) in converted
    ]
    rows = []
    for goal in known.goals.values():
        facts = {
            name: of(goal, known.until_as_of(getattr(known.facts, name), moment))
            for name, moment in (
                ("delivery_conversions", "first_converted_at"),
                ("impressions", "received_at"),
                ("achievements", "achieved_at"),
                ("touches", "achieved_at"),
            )
        }
        for of_ours in performance:
            if (of_ours["workspace_id"], of_ours["goal_id"]) != (goal.workspace_id, goal.goal_id):
                continue
            theirs = [
                row
                for row in deliveries
                if row["workspace_id"] == goal.workspace_id and row["source_id"] == of_ours["source_id"]
            ]
            ours = {
                row["delivery_id"]
                for row in facts["delivery_conversions"]
                if row["source_id"] == of_ours["source_id"]
            }
            reasons = [why_not(row, facts) for row in theirs if row["delivery_id"] not in ours]
            agreeing = len(theirs) - len(reasons)
            rows.append(
                {name: of_ours[name] for name in ("workspace_id", "goal_id", "source_id")}
                | {"our_conversions": len(ours), "vendor_conversions": len(theirs), "agreeing": agreeing}
                | {"only_ours": len(ours) - agreeing, "only_theirs": len(reasons)}
                | {reason: reasons.count(reason) for reason in REASONS}
            )
    return rows


REASONS = ("not_an_impression", "not_an_achievement", "no_qualifying_touch", "another_delivery_credited")


def why_not(delivery: dict, facts: dict[str, list[dict]]) -> str:
    """'by reason, first match: `not_an_impression`, `not_an_achievement` (none from `sent_at` on),
    `no_qualifying_touch` (metric or window), `another_delivery_credited` (the rest)'"""

    def has(fact: str) -> bool:
        return any(row["delivery_id"] == delivery["delivery_id"] for row in facts[fact])

    if not has("impressions"):
        return REASONS[0]
    own = (row for row in facts["achievements"] if row["profile_id"] == delivery["profile_id"])
    if not any(row["achieved_at"] >= delivery["sent_at"] for row in own):
        return REASONS[1]
    return REASONS[3] if has("touches") else REASONS[2]
