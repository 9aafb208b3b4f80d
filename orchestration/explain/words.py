"""The words for what happened and why, one place for each reason.

Belongs here: words. Does not: reading data (reading.py), layout (command.py).
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import groupby
from operator import attrgetter
from typing import Any

from orchestration.explain.history import (
    Achievement,
    Candidate,
    Delivery,
    Enrollment,
    Entry,
    NonAchievement,
    Reading,
    Version,
)

# A headline and its details, each with its style.
Line = tuple[str, str]

LONGEST = 200  # characters of a value in a sentence

GOOD, BAD, PLAIN, FAINT = "green", "yellow", "", "dim"

OPERATORS = {
    "exists": "is there",
    "not_exists": "is missing",
    "eq": "is",
    "neq": "is not",
    "gt": "is more than",
    "gte": "is at least",
    "lt": "is less than",
    "lte": "is at most",
    "in": "is one of",
    "not_in": "is none of",
    "contains": "contains",
    "not_contains": "does not contain",
    "starts_with": "starts with",
    "ends_with": "ends with",
}

NO_IMPRESSION = {
    "never_sent": "it was never sent",
    "anonymous": "it was sent anonymously",
    "holdout": "the person is held out, so the message was trapped",
    "no_campaign_or_broadcast": "it is of neither a campaign nor a broadcast",
    "channel_not_attributable": "messages by {channel} count for no goal",
    "not_received": "it was not received: it bounced, failed, was dropped or undeliverable",
    "before_goal": "it was sent before the goal began",
    "never_delivered": "this goal counts messages when they are delivered, and it never was",
    "between_versions": "the version in force when it was sent counts messages when delivered, "
    "the one in force when it was delivered counts them when sent",
    "not_opted_in": "a webhook counts only if the goal opted its message in (webhook_message_ids)",
    "source_not_listed": "the goal did not list {source} then",
    "before_attached": "it began on {began}, before {source} was attached on {attached}",
    "before_data_start": "it came before the workspace's data_start_at",
    "not_active": "the goal was archived then",
}

NOT_CONVERTED = {
    "no_achievement": "the goal was not reached inside the window",
    "journey_not_landed": "{achievements} inside the window: no trigger to match, the journey has not landed",
    "trigger_not_matched": "{achievements} inside the window: another trigger, "
    "{event} in the event, {journey} in the journey",
}

UNATTRIBUTED = {
    "no_delivery": "none of the goal's messages was received in the 90 days before",
    "no_qualifying_metric": "no message of the 90 days before met its channel's criterion",
    "outside_window": "no touch is inside the attribution window",
}

NO_ACHIEVEMENT = {
    "before_goal": "it came before the goal began",
    "between_versions": "no version of the goal that asks for an event was in force at its moment",
    "another_event": "the version of the goal in force then asks for event '{asked}'",
    "before_data_start": "it came before the workspace's data_start_at",
    "not_active": "the goal was archived then",
    "no_anchor": "it counts only within {window}, and there is none",
    "before_evaluation_window": "it came before {window}, which began on {anchored}",
    "after_evaluation_window": "it came after {window}, which began on {anchored}",
}

NON_TOUCH = {
    "machine": "by a machine, which this goal does not count",
    "after_achievement": "after the achievement",
    "before_start": "before the goal or the workspace's data began",
}


def words(entry: Entry) -> list[Line]:
    if isinstance(entry, Version):
        return list(_version(entry))
    if isinstance(entry, NonAchievement):
        return list(_non_achievement(entry))
    return list(_delivery(entry) if isinstance(entry, Delivery) else _achievement(entry))


def words_of_a_row(entries: Sequence[Entry]) -> list[Line]:
    """The words for consecutive entries with the same words: achievements, or events."""
    events = [entry for entry in entries if isinstance(entry, NonAchievement)]
    if events:
        first, last = events[0], events[-1]
        return [
            (
                f"{len(events)} events '{first.event_name}', the last on {at(last.moment)}: no achievements",
                BAD,
            ),
            *((f"of the first: {line}", style) for line, style in _why_no_achievement(first)),
        ]
    return _words_of_achievements([entry for entry in entries if isinstance(entry, Achievement)])


def _words_of_achievements(achievements: Sequence[Achievement]) -> list[Line]:
    first, last = achievements[0], achievements[-1]
    numbers = f"Achievements {first.achievement_number} to {last.achievement_number}"
    worths = [each.impact_value for each in achievements if each.impact_value is not None]
    worth = f", worth {_amount(sum(worths, Decimal()), first.impact_currency)} together" if worths else ""
    return [
        (f"{numbers}, the last on {at(last.moment)}{worth}", f"bold {GOOD}"),
        *_credit(first, with_shares=False),
    ]


def words_of_a_change(before: Sequence[Line], after: Sequence[Line]) -> list[Line]:
    """Only the lines of a version that differ from the previous version."""
    subjects = {line.partition(":")[0] for line, _ in after}
    gone = [(f"no more {line}", style) for line, style in before if line.partition(":")[0] not in subjects]
    return [line for line in after if line not in before] + gone or [("nothing else changed", FAINT)]


def asks(goal: dict[str, Any]) -> Iterator[str]:
    """What a row of a goal (int_goal_rows) requires: one line per subject, which comes first."""
    yield f"success: {', '.join(_target(goal))}"
    if pairs := json.loads(goal["trigger_match"] or "[]"):
        fits = [
            f"the event's {each['event_property']} {OPERATORS[each['op']]} "
            f"the journey's {each['trigger_property']}"
            for each in pairs
        ]
        yield f"trigger: {' and '.join(fits)}"
    if goal["evaluation_window_days"] is not None:
        event = goal["evaluation_event_name"]
        anchor = f"first event '{event}'" if event else "first snapshot"
        yield f"evaluation window: {_days(goal['evaluation_window_days'])} from the person's {anchor}"
    yield f"candidates: {condition(goal['eligibility']) if goal['eligibility'] else 'everyone'}"
    days = goal["measurement_window_days"]
    window = {None: "no limit", 0: f"until the end of the day in {goal['time_zone']}"}.get(days) or _days(
        days
    )
    yield f"time to reach it: {window}, from the message that enrolls"
    yield f"messages: when {goal['impression']}, of {some(goal['sources'], 6) or 'no source'}"
    criteria = [
        f"{channel} when {metric}" for channel, metric in sorted(goal["attribution_criteria"].items())
    ]
    touches = ", ".join([*criteria, "others when sent"] if criteria else ["touches when sent"])
    machines = ", machines included" if goal["attribution_counts_machine"] else ""
    yield f"credit: the last touch {_window(goal['attribution_window_days'])} ({touches}{machines})"
    if goal["has_impact"]:
        of_event = f"{goal['impact_event_property']} of the event, in {goal['goal_currency']}"
        yield f"worth: {_amount(goal['impact_value'], goal['goal_currency']) or of_event}"


def condition(filter: str | dict[str, Any]) -> str:
    """A filter in words; parts within parts have parentheses."""
    node = json.loads(filter) if isinstance(filter, str) else filter
    if "segment" in node:
        return f"in segment {node['segment']}"
    if "not" in node:
        return f"not ({condition(node['not'])})"
    for combinator, word, empty in (("all", "and", "always"), ("any", "or", "never")):
        if combinator in node:
            parts = [
                f"({condition(part)})" if part.keys() & {"all", "any"} else condition(part)
                for part in node[combinator]
            ]
            return f" {word} ".join(parts) or empty
    subject = f"the person's {node['profile']}" if "profile" in node else node["property"]
    value = node.get("value")
    if isinstance(value, dict):
        return f"{subject} {OPERATORS[node['op']]} the person's {value['profile']}"
    values = value if isinstance(value, list) else [value] if "value" in node else []
    return f"{subject} {OPERATORS[node['op']]} {_listed(values)}".rstrip()


def at(moment: datetime | None) -> str:
    return moment.isoformat(" ") if moment else "-"


def counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def some(names: Sequence[str], number: int = 3) -> str:
    rest = [f"{len(names) - number} more"] if len(names) > number else []
    return ", ".join([*names[:number], *rest])


def _target(goal: dict[str, Any]) -> Iterator[str]:
    if goal["event_name"] is not None:
        which = f" where {condition(goal['event_filter'])}" if goal["event_filter"] else ""
        yield f"event '{goal['event_name']}'{which}, dated when {goal['event_clock']}"
    if goal["message_metric"] is not None:
        yield f"a message {goal['message_metric']}"
        if goal["message_source_id"]:
            yield f"of {goal['message_source_id']}"
        if goal["message_channel"]:
            yield f"by {goal['message_channel']}"
        if goal["message_counts_machine"]:
            yield "machines included"
    if goal["profile_filter"] is not None:
        is_alone = goal["event_name"] is None and goal["message_metric"] is None
        verb = {
            ("enter", True): "the person enters the state",
            ("leave", True): "the person leaves the state",
            ("enter", False): "while in the state",
            ("leave", False): "while not in the state",
        }[goal["transition"], is_alone]
        yield f"{verb}: {condition(goal['profile_filter'])}"


def _version(version: Version) -> Iterator[Line]:
    number = f"Version {version.version_number} of the goal"
    if version.reason_code:
        yield f"A change of the goal was refused ({version.reason_code})", BAD
        yield str(version.problem), PLAIN
    elif version.status != "active":
        yield f"{number}: {version.status}, so that nothing counts from here on", BAD
    elif version.definition_policy == "retroactive" and version.valid_to:
        yield f"{number}: replaced by the newest for all time, since the goal is retroactive", FAINT
    else:
        since = ", in force for all time: the goal is retroactive" if version.is_for_all_time else ""
        yield f"{number}{since}", "bold"
        yield from ((line, PLAIN) for line in version.asks)


def _delivery(delivery: Delivery) -> Iterator[Line]:
    name = f"Message {delivery.message_id}" if delivery.message_id else "Message"
    outcome = (delivery.outcome or "no impression").replace("_", " ")
    yield (
        f"{name} of {_source(delivery)} by {delivery.channel}: {outcome}",
        GOOD if delivery.enrollment else BAD,
    )
    yield ", ".join(_facts(delivery)), FAINT
    if delivery.reason:
        reason = NO_IMPRESSION[delivery.reason].format(
            channel=delivery.channel,
            source=delivery.source_id,
            began=at(delivery.entered_at),
            attached=at(delivery.attached_at),
        )
        yield f"because {reason}", PLAIN
    elif delivery.enrollment:
        yield from _enrollment(delivery.enrollment)
    elif delivery.outcome == "already_enrolled":
        yield f"by delivery {delivery.enrolled_by} on {at(delivery.enrolled_at)}: a window starts once", PLAIN
    elif delivery.decided_by:
        there = "out of the state already" if delivery.transition == "leave" else "in the state already"
        sought = "candidates" if delivery.outcome == "not_eligible" else there
        yield f"{sought}: {condition(delivery.decided_by)}", PLAIN
        yield f"the person then: {_state(delivery)}", PLAIN
    if delivery.credited_achievements:
        yield (
            f"credited within its own source: {counted(delivery.credited_achievements, 'achievement')}",
            PLAIN,
        )


def _facts(delivery: Delivery) -> Iterator[str]:
    yield f"delivery {delivery.delivery_id}"
    if delivery.journey_id:
        yield f"journey {delivery.journey_id}"
    if delivery.sent_at != delivery.moment:
        yield f"sent {at(delivery.sent_at)}"
    for each in delivery.engagements:
        yield f"{each.metric} {at(each.occurred_at)}{' by a machine' if each.is_machine else ''}"


def _state(entry: Delivery | NonAchievement) -> str:
    if entry.state_observed_at is None:
        return "nothing was known yet"
    return f"{_readings(entry.state)} (observed {at(entry.state_observed_at)})"


def _enrollment(enrollment: Enrollment) -> Iterator[Line]:
    end = f"until {at(enrollment.window_ends_at)}" if enrollment.window_ends_at else "without end"
    if enrollment.converted_at:
        took = timedelta(microseconds=int(1_000_000 * (enrollment.seconds_to_convert or 0)))
        by = f"achievement {enrollment.achievement_number} on {at(enrollment.converted_at)}, after {took}"
        yield f"window {end}: converted by {by}", GOOD
        return
    not_yet = "not yet converted, it is still open" if enrollment.is_open else "not converted"
    yield f"window {end}: {not_yet}", BAD
    compared = attrgetter("reason", "event", "journey")
    for (reason, event, journey), group in groupby(enrollment.non_conversions, key=compared):
        numbers = [str(each.achievement_number) for each in group]
        achievements = f"achievement{'' if len(numbers) == 1 else 's'} {', '.join(numbers)}"
        if reason == "no_achievement" and enrollment.is_open:
            yield "the goal has not been reached inside the window yet", PLAIN
            continue
        said = NOT_CONVERTED[reason].format(
            achievements=achievements, event=_readings(event), journey=_readings(journey)
        )
        yield said, PLAIN


def _non_achievement(event: NonAchievement) -> Iterator[Line]:
    name = f"'{event.event_name}'" if event.event_name else "without a name"
    yield f"Event {name}: no achievement", BAD
    yield ", ".join(_facts_of_an_event(event)), FAINT
    yield from _why_no_achievement(event)


def _facts_of_an_event(event: NonAchievement) -> Iterator[str]:
    yield f"event {event.event_id}" if event.event_id else "no event_id"
    if event.occurred_at != event.received_at:
        yield f"occurred {at(event.occurred_at)}, received {at(event.received_at)}"
    if event.path:
        yield f"{event.path}, row {event.row_number}"


def _why_no_achievement(event: NonAchievement) -> Iterator[Line]:
    if event.reason == "quarantined":
        problem = f": {event.problem}" if event.problem else ""
        yield f"because its row is quarantined, {event.reason_code}{problem}", PLAIN
    elif event.reason == "filter_not_met":
        failed = failed_conditions(event.predicate or "", event.conditions_met)
        yield f"because this part of the goal's filter does not hold: {'; '.join(failed)}", PLAIN
        read = [
            *([_readings(event.event)] if event.event else []),
            *([f"the person then: {_readings(event.state)}"] if event.state else []),
        ]
        if read:
            yield f"the event: {', '.join(read)}", PLAIN
    elif event.reason == "profile_not_met":
        word = "was in" if event.transition == "leave" else "was not in"
        yield f"because the person {word} the state then: {condition(event.profile_filter or '{}')}", PLAIN
        yield f"the person then: {_state(event)}", PLAIN
    else:
        anchor = f"first event '{event.evaluation_event_name}'" if event.evaluation_event_name else None
        window = f"the {_days(event.evaluation_window_days or 0)} from the {anchor or 'first snapshot'} on"
        reason = NO_ACHIEVEMENT[event.reason].format(
            asked=event.asked_name, window=window, anchored=at(event.anchored_at)
        )
        yield f"because {reason}", PLAIN


def failed_conditions(predicate: str, met: Sequence[bool]) -> list[str]:
    """The parts of a compiled filter (goals/predicates.py) that made it false, in words. `met`: which of its
    conditions hold."""
    compiled = json.loads(predicate)
    tokens, conditions = list(compiled["tokens"]), compiled["conditions"]

    def part() -> tuple[bool, list[str], list[str]]:
        """The next part: whether it is true, what made it false, what made it true."""
        token = tokens.pop(0)
        if token == "not":
            is_true, failed, held = part()
            return not is_true, [f"not ({each})" for each in held], [f"not ({each})" for each in failed]
        if token == "(":
            parts, joined = [part()], "and"
            while tokens[0] != ")":
                joined = tokens.pop(0)
                parts.append(part())
            tokens.pop(0)
            is_true = (all if joined == "and" else any)(each for each, _, _ in parts)
            failed = [line for each, lines, _ in parts if not each for line in lines]
            held = [line for each, _, lines in parts if each for line in lines]
            return is_true, failed, held
        if token in ("true", "false"):
            return token == "true", ["never"], ["always"]
        said = _compiled_condition(conditions[token])
        return met[token], [said], [said]

    is_true, failed, _ = part()
    return [] if is_true else failed


def _compiled_condition(compiled: dict[str, Any]) -> str:
    def named(subject: str, pointer: str) -> str:
        key = pointer.removeprefix("/")
        return f"the person's {key}" if subject == "profile" else key

    said = f"{named(compiled['subject'], compiled['pointer'])} {OPERATORS[compiled['op']]}"
    if "other_subject" in compiled:
        return f"{said} {named(compiled['other_subject'], compiled['other_pointer'])}"
    value = compiled.get("value")
    values = value if isinstance(value, list) else [value] if "value" in compiled else []
    return f"{said} {_listed(values)}".rstrip()


def _listed(values: Sequence[Any]) -> str:
    """The literals of a filter; for a long list, only the first ones."""
    return some([_short(json.dumps(each, ensure_ascii=False)) for each in values], 10)


def _short(value: str) -> str:
    return value if len(value) <= LONGEST else f"{value[:LONGEST]} …"


def _achievement(achievement: Achievement) -> Iterator[Line]:
    worth = _amount(achievement.impact_value, achievement.impact_currency)
    yield f"Achievement {achievement.achievement_number}{worth and f', worth {worth}'}", f"bold {GOOD}"
    yield ", ".join(_origin(achievement)), FAINT
    if achievement.converted_deliveries:
        yield f"converts the enrollment by delivery {' and '.join(achievement.converted_deliveries)}", GOOD
    yield from _credit(achievement, with_shares=True)


def _origin(achievement: Achievement) -> Iterator[str]:
    if achievement.kind == "profile":
        yield f"the person {'left' if achievement.transition == 'leave' else 'entered'} the state"
    elif achievement.kind == "message":
        yield f"delivery {achievement.message_delivery_id} was {achievement.message_metric}"
    else:
        yield f"event '{achievement.event_name}' {achievement.natural_key}"
        if achievement.occurred_at != achievement.received_at:
            yield f"occurred {at(achievement.occurred_at)}, received {at(achievement.received_at)}"
    if achievement.facts:
        yield _readings(achievement.facts)


def _credit(achievement: Achievement, *, with_shares: bool) -> Iterator[Line]:
    """Every touch; of the other candidates, of which a long history has many, only the newest."""
    if achievement.unattributed_reason:
        yield f"no message gets the credit: {UNATTRIBUTED[achievement.unattributed_reason]}", BAD
    for verdict, group in groupby(achievement.candidates, key=attrgetter("verdict")):
        candidates = list(group)
        window = _window(candidates[0].window_days)
        if verdict == "outside_window":
            yield f"touched, but not {window}: {some([_missed(each) for each in candidates])}", FAINT
        elif verdict == "no_touch":
            yield f"no touch: {some([_missed(each) for each in candidates])}", FAINT
        else:
            for each in candidates:
                touch = (
                    f"delivery {each.delivery_id} of {_source(each)}, {each.touch_metric} {at(each.touch_at)}"
                )
                shares = _shares(each) if with_shares else ""
                if verdict == "credited":
                    yield f"credit: {touch}{shares}", GOOD
                else:
                    yield (
                        f"not the last touch, lost to {achievement.credited_delivery_id}: {touch}{shares}",
                        PLAIN,
                    )


def _missed(candidate: Candidate) -> str:
    metric = candidate.touch_metric
    if candidate.touch_at:
        return f"{candidate.delivery_id} ({metric} {at(candidate.touch_at)})"
    moments = [f"{metric} {at(each.occurred_at)} {NON_TOUCH[each.reason]}" for each in candidate.non_touches]
    return f"{candidate.delivery_id} ({', '.join(moments) or f'never {metric}'})"


def _shares(candidate: Candidate) -> str:
    """The candidate's share of the credit under each model; empty if it has all of it under each model."""
    if all(share == 1 for share in candidate.credits.values()):
        return ""
    shares = [f"{model.replace('_', ' ')} {share:.0%}" for model, share in candidate.credits.items() if share]
    return f" [{', '.join(shares)}]"


def _readings(readings: Iterable[Reading]) -> str:
    return ", ".join(
        f"{each.pointer.removeprefix('/')} was {_short(each.value or 'missing')}" for each in readings
    )


def _source(message: Delivery | Candidate) -> str:
    return f"{message.source_name} ({message.source_id})" if message.source_name else message.source_id


def _window(days: int) -> str:
    return f"in the {_days(days)} before" if days else "on the same day"


def _days(days: int) -> str:
    return counted(days, "day")


def _amount(value: Decimal | None, currency: str | None) -> str:
    if value is None:
        return ""
    return f"{value:,.2f} {currency}" if value == round(value, 2) else f"{value:,f} {currency}"
