"""One-line changes to the models. Each breaks a sentence of SEMANTICS, and a test must notice it.

Belongs here: the sentence, the text that implements it (it occurs once in its file) and its replacement. How
they are tried: test_mutations.py. Every `make test` tries the quick ones, in models that build in a moment.
"""

from dataclasses import dataclass
from pathlib import Path


@dataclass
class Mutation:
    file: str  # in dbt_project
    breaks: str
    old: str = ""
    new: str = ""

    @property
    def is_quick(self) -> bool:
        return self.breaks.endswith("(quick)")

    def __str__(self) -> str:
        return f"{Path(self.file).stem}: {self.breaks}"


def read(text: str) -> list[Mutation]:
    """A file, then a sentence about it, then the removed (-) and added (+) text, as in a diff."""
    mutations: list[Mutation] = []
    file = ""
    for line in text.splitlines():
        sign, rest = line[:2], line[2:]
        if sign == "- ":
            mutations[-1].old += "\n" * bool(mutations[-1].old) + rest
        elif sign == "+ ":
            mutations[-1].new += "\n" * bool(mutations[-1].new) + rest
        elif line.endswith((".sql", ".py")):
            file = line
        elif line and not line.startswith("#"):
            mutations.append(Mutation(file, line))
    return mutations


MUTATIONS = read("""
# Section 2: rows

macros/judged_rows.sql

the row with the highest sequence stands
- coalesce(sequence, 0) desc
+ coalesce(sequence, 0) asc

ties: the greatest by the remaining columns
- {{ goalpost.tie_breaker(column) }} desc
+ {{ goalpost.tie_breaker(column) }} asc

an absent sequence is 0
- coalesce(sequence, 0) desc
+ coalesce(sequence, -2) desc

profile_id is not required of an anonymous delivery
- ' is null and not coalesce(is_anonymous, false))'
+ ' is null)'

faulty rows leave before keys are compared
- where reason_code is null

data_start_at may lie in the future
- and name != 'data_start_at'

of an event that comes again the earliest receipt counts
- min({{ name }}) over (partition by {{ keys | join(', ') }})
+ max({{ name }}) over (partition by {{ keys | join(', ') }})

received_at is by default, not always, occurred_at
- coalesce(ranked.earliest_{{ column.name }}, explained.{{ column.name }},
+ coalesce(explained.{{ column.default_column }},

a clock that runs ahead is read as the receipt
- then coalesce(ranked.earliest_{{ column.not_after }}, explained.{{ column.not_after }})
+ then explained.{{ column.name }}

an event's row is judged to be in the future by its receipt
- {%- set unless_received = column.not_after ~ ' is null and ' if column.not_after else '' -%}
+ {%- set unless_received = '' -%}

a share lies strictly between 0 and 1
- name ~ ' < 1, false))'
+ name ~ ' <= 1, false))'

macros/engine/json.sql

JSON that is no object is bad_json where the column is an object
- left(trim(leading chr(32) || chr(9) || chr(10) || chr(13) from {{ text }}), 1) = '{' and

a whole number is an id
- when regexp_full_match(item, '0|-?[1-9][0-9]*') then item

macros/engine/reading_values.sql

a boolean is read in any case
- lower({{ text }}) in ('true', 't', '1')
+ {{ text }} in ('true', 't', '1')

models/intermediate/goals/int_unreadable_workspaces.sql

a workspace that cannot be read is in no mart (quick)
- where not is_readable and
+ where false and

one row that can be staged makes a workspace readable
- max(case when reason_code is null then 1 else 0 end) over (partition by workspace_id) = 1
+ min(case when reason_code is null then 1 else 0 end) over (partition by workspace_id) = 1

models/intermediate/deliveries/int_deliveries.sql

a delivery without a sent_at was sent when an engagement says so
- coalesce(deliveries.sent_at, reported.first_sent_at)
+ deliveries.sent_at

models/intermediate/deliveries/int_reported_sends.sql

at the first of these engagements
- min(engagements.occurred_at)
+ max(engagements.occurred_at)

models/staging/stg_engagements.sql

is_machine is read for opened and clicked
- metric in ('opened', 'clicked') and

models/staging/stg_profile_snapshots.sql

a deleting snapshot makes every property missing
- case when not coalesce(is_deleted, false) then properties end as properties
+ properties

models/staging/stg_profile_changes.sql

a change that deletes makes every property missing
- case when not coalesce(is_deleted, false) then properties end as properties
+ properties

# Section 3: filters

macros/conditions.sql

9.99 is not more than 9.99
- 'gt': '>'
+ 'gt': '>='

lte takes the edge
- 'lte': '<='
+ 'lte': '<'

a boolean literal takes the boolean or its text
- text in ('true', 'false') or text[:1]
+ text[:1]

starts_with and ends_with: text only
- when {{ goalpost.is_json_text(property) }} and contains(
+ when contains(

two properties order as times
- {%- set compared = '_text' if op == 'eq' else '_moment' %}
+ {%- set compared = '_text' %}

a condition on a missing property is false
- coalesce({{ goalpost.equals_any([value], property) }}, false)
+ coalesce({{ goalpost.equals_any([value], property) }}, true)

macros/engine/json.sql

a property whose value is JSON null is missing
- lambda item: nullif(item, 'null')
+ lambda item: item

arrays and objects are never equal
- case when {{ json_value }} < '{' and {{ json_value }} not like '[%' then
+ case when true then

macros/engine/moments.sql

Unix seconds outside the years 1 to 9999 are no time
- {{ seconds }} >= -62135596800 and

macros/predicates.sql

a property is a top-level key unless it starts with a slash
- replace(replace({{ name }}, '~', '~0'), '/', '~1')
+ {{ name }}

models/intermediate/goals/int_filters.py

segments in force when a version begins
- no_history).at(pinned_at)
+ no_history).at(END)

a segment in an event filter is of the person
- of_event=role == "event"
+ of_event=False

# Section 4: goals

models/intermediate/goals/int_goal_rows.sql

only the policy locked locks
- with_refusals.goal_policy = 'locked'
+ with_refusals.goal_policy <> ''

a row before the first send is not locked
- and with_refusals.updated_at > first_sends.first_sent_at

rows that change anything else than the core are accepted
- and with_refusals.definition_hash <> first_sends.locked_hash

the goal locks at its first send
- order by first_sent_at asc
+ order by first_sent_at desc

messages other than webhooks lock without opt-in
- and (not deliveries.needs_opt_in or
+ and (

a row without an impact has no other currency
- when has_impact and currency <> goal_currency
+ when currency <> goal_currency

a row with another policy is refused
- when definition_policy <> goal_policy
+ when false

models/intermediate/goals/int_goal_versions.sql

a deleted goal leaves every mart
- newest_status <> 'deleted'
+ newest_status <> ''

archived: stops counting from the archiving row on
- when goal_policy <> 'retroactive' and status = 'active' then {{ end_of_time() }}
+ when goal_policy <> 'retroactive' then {{ end_of_time() }}

retroactive: counts until the first row after its last active one
- min(case when updated_at > last_active_at then updated_at end)
+ max(case when updated_at > last_active_at then updated_at end)

nothing before the goal's start counts
- case when goal_policy = 'retroactive' then {{ beginning_of_time() }} else first_updated_at end
+ {{ beginning_of_time() }}

nothing before data_start_at counts
- workspaces.data_start_at
-     ) as counts_since
+ {{ beginning_of_time() }}
+     ) as counts_since

an unchanged core keeps the pins of the version before
- case when goal_policy = 'retroactive' then {{ end_of_time() }} else core_began_at end
+ case when goal_policy = 'retroactive' then {{ end_of_time() }} else cores.updated_at end

a retroactive goal has the newest segments
- case when goal_policy = 'retroactive' then {{ end_of_time() }} else core_began_at end
+ core_began_at

models/intermediate/goals/int_goal_sources.sql

attached since the first row of the unbroken run
- partition by workspace_id, goal_id, source_id, run_number
+ partition by workspace_id, goal_id, source_id

attachment matters to versioned goals only
- when goal_policy = 'versioned'
+ when goal_policy <> ''

models/intermediate/goals/int_workspaces.sql

a workspace that has not landed has the defaults
- coalesce(workspaces.currency, 'USD')
+ coalesce(workspaces.currency, 'EUR')

# Sections 5 and 6: state and achievements

models/intermediate/profiles/int_profile_states.sql

the state before is the previous snapshot's
- lag({{ column }}) over
+ lead({{ column }}) over

the observations of one moment are one
- where next_observed_at is distinct from observed_at
+ where true

models/intermediate/profiles/int_profile_observations.sql

a change that deletes says every property
- is_deleted as is_whole
+ false as is_whole

a snapshot says every property
- true as is_whole
+ false as is_whole

macros/observations.sql

a deletion is the last of its moment
- ['observed_at', 'is_deleted', 'change_id']
+ ['observed_at', 'change_id', 'is_deleted']

the change with the greater id is later
- ['observed_at', 'is_deleted', 'change_id']
+ ['observed_at', 'is_deleted']

a change sets its key whole
- or {{ top_value }} is not null
+ or false

a snapshot ends what was said before it
- observed_at >= coalesce(whole_at, observed_at)
+ true

nothing said before a deletion counts after it
- and (deleted_at is null or observed_at > deleted_at)
+ and true

models/intermediate/achievements/int_profile_achievements.sql

a deleting snapshot is never itself an achievement
- and not states.is_deleted

leave is not enter
- when 'leave'
+ when 'never'

a snapshot at the goal's start counts
- states.valid_from >= rules.counts_since
+ states.valid_from > rules.counts_since

a snapshot at the archiving row does not count
- states.valid_from < rules.counts_until
+ states.valid_from <= rules.counts_until

models/intermediate/achievements/int_event_achievements.sql

what is in another currency is worth nothing
- when unconverted_currency is not null then null
+ when false then null

the case of a currency does not matter
- upper({{ scalar_text('currency_property') }}) = upper(impact_currency)
+ {{ scalar_text('currency_property') }} = impact_currency

for events data_start_at is tested against received_at
- and events.received_at >= rules.data_start_at

an event counts at most once per goal
- and not {{ lies_in_any(
+ and {{ lies_in_any(

the state as of t is that of the snapshot at t too
- and candidates.achieved_at >= states.valid_from
+ and candidates.achieved_at > states.valid_from

without a snapshot every property is missing
- coalesce(states.matches, missing_state.matches) as matches
+ states.matches

models/intermediate/achievements/int_message_achievements.sql

a message achievement is never of a held-out person
- where not moments.is_anonymous and not moments.is_holdout
+ where not moments.is_anonymous

a message is sent once, however often that is reported
- where metric <> 'sent' and metric in (
+ where metric in (

machine opens only with the target's count_machine
- and (rules.message_counts_machine or not moments.is_machine)

models/intermediate/achievements/int_achievements.sql

an evaluation window is closed at its anchor
- achieved_at >= anchored_at
+ achieved_at > anchored_at

an evaluation window is closed at its end
- <= evaluation_window_days * 86400000000
+ < evaluation_window_days * 86400000000

the anchor is the first event
- min(received_at) as first_received_at
+ max(received_at) as first_received_at

macros/evaluation_anchor.sql

the anchoring event goes by the goal's clock
- when {{ rule }}.event_clock = 'occurred' then {{ first_events }}.first_occurred_at

models/marts/fct_achievements.sql

achievements are numbered by (achieved_at, achievement_id) (quick)
- achievement_id asc
+ achievement_id desc

# Section 7: impressions, enrollments and conversions

models/intermediate/deliveries/int_sendable_deliveries.sql

a holdout trap is not sendable
- and not is_holdout

an anonymous delivery is not sendable
- and not is_anonymous

a bounced message is not received
- not coalesce(outcomes.has_failed, false) as is_received
+ true as is_received

slack and attribute_update are not attributable
- and channels.attributable in ('yes', 'opt_in')

a webhook counts only for opted-in message ids
- channels.attributable = 'opt_in' as needs_opt_in
+ false as needs_opt_in

delivered at its first delivered engagement
- min(case when metric = 'delivered'
+ max(case when metric = 'delivered'

a journey of another profile counts as not landed
- and deliveries.profile_key = journeys.profile_key

models/intermediate/deliveries/int_impression_checks.sql

a journey that enters when its source is attached counts
- deliveries.entered_at >= rules.attached_at
+ deliveries.entered_at > rules.attached_at

a delivery at the version's updated_at is under it
- >= greatest(rules.valid_from, rules.counts_since)
+ > greatest(rules.valid_from, rules.counts_since)

a delivery at the archiving row does not count
- < least(rules.valid_to, rules.counts_until)
+ <= least(rules.valid_to, rules.counts_until)

the checks read the state as of the impression
- and deliveries.sent_at >= states_when_sent.valid_from
+ and deliveries.sent_at > states_when_sent.valid_from

already_achieved is of profile-only targets
- case when rules.is_profile_only then rules.profile_predicate end
+ rules.profile_predicate

a delivery counts at most once per goal
- and not {{ lies_in_any(
+ and {{ lies_in_any(

models/intermediate/deliveries/int_first_impressions.sql

of one moment the lesser delivery enrolls
- order by delivery_id asc
+ order by delivery_id desc

an impression that failed a check does not enroll
- checks.is_eligible and not checks.is_in_goal_state as is_passing
+ true as is_passing

each journey enrolls once
- partition by enrollment_key
+ partition by goal_and_profile_key

models/marts/fct_impressions.sql

eligibility is checked first (quick)
- when not impressions.is_eligible then 'not_eligible'
-         when impressions.is_in_goal_state then 'already_achieved'
+ when impressions.is_in_goal_state then 'already_achieved'
+         when not impressions.is_eligible then 'not_eligible'

macros/measurement_window.sql

0 days end with the calendar day
- when {{ window_days }} = 0 then
+ when {{ window_days }} = -1 then

models/marts/fct_enrollments.sql

a measurement window is closed at its start (quick)
- enrolled.enrolled_at <= achievements.achieved_at
+ enrolled.enrolled_at < achievements.achieved_at

a measurement window is closed at its end (quick)
- >= achievements.achieved_at
+ > achievements.achieved_at

the first achievement in the window converts (quick)
- first_by('achievement_id', ['achievement_number'])
+ first_by('achievement_id', ['-achievement_number'])

a conversion satisfies trigger_match (quick)
- where {{ matches }}

seconds_to_convert has six decimals
- / cast(1000000 as double)
+ // 1000000

macros/predicates.sql

no journey landed: no match
- landed_journey_id is not null and

macros/engine/moments.sql

a day ends at its last microsecond
- end - interval '1' microsecond
+ end - interval '1' second

where midnight comes twice the day ends at the first
- when {{ goalpost.duckdb__in_time_zone(an_hour_before, time_zone, written_out) }} = {{ midnight }}
+ when false

a day of a window is exactly 24 hours
- to_hours(24 * {{ number_of_days }})
+ to_days(cast({{ number_of_days }} as integer)) + interval '1' microsecond

# Section 8: touches and attribution

models/intermediate/attribution/int_touch_times.sql

a bounced message takes no credit
- where is_received
+ where true

models/intermediate/attribution/int_touches.sql

a delivery sent at the achievement can touch
- and achievements.achieved_at >= touch_times.sent_at
+ and achievements.achieved_at > touch_times.sent_at

a touch never lies after the achievement
- and achievements.achieved_at >= touch_times.touch_at

the touch is the latest touch time
- max(touch_times.touch_at) as touch_at
+ min(touch_times.touch_at) as touch_at

macros/touches.sql

a touch time before the start is none
- and {{ rule }}.counts_since <= {{ moment }}

a journey that enters when its source is attached can touch
- {{ delivery }}.entered_at >= {{ rule }}.attached_at
+ {{ delivery }}.entered_at > {{ rule }}.attached_at

a webhook that nobody opted in touches nobody
- not {{ delivery }}.needs_opt_in
+ true

a machine open is no touch
- and ({{ rule }}.attribution_counts_machine or not {{ is_machine }})

exactly that metric
- {{ rule }}.touch_metric = {{ metric }}
+ true

a touch qualifies inside its window
- else {{ touch_at }} >= {{ achieved_at }} - {{ goalpost.days(rule ~ '.attribution_window_days') }}
+ else true

an attribution window is closed
- else {{ touch_at }} >= {{ achieved_at }}
+ else {{ touch_at }} > {{ achieved_at }}

an attribution window of 0 days is the calendar day
- when 0
+ when -1

models/intermediate/attribution/int_touch_credits.sql

touches of one moment are numbered by sent_at (quick)
- order by touch_at asc nulls last, sent_at asc
+ order by touch_at asc nulls last, sent_at desc

touches of one moment and sending are numbered by delivery_id (quick)
- delivery_id asc
+ delivery_id desc

the half-life is 7 days (quick)
- cast({{ half_life_microseconds() }} as double)
+ cast({{ half_life_microseconds() }} / 2 as double)

macros/credit.sql

the remainder goes to the last touch (quick)
- when touch_number < touches
+ when touch_number > 1

models/intermediate/attribution/int_touch_credits.sql

the middle shares 20 percent
- / (touches - 2)
+ / touches

two touches share 50/50
- when touches = 2 then 0.5

models/marts/fct_attributions.sql

the last touch gets the credit (quick)
- where touch_number = touches
+ where touch_number = 1

no_qualifying_metric is a reason
- when reached.is_touched = 0 then 'no_qualifying_metric'

no_delivery looks at 90 days (quick)
- where unattributed.achieved_at <= candidates.sent_at + {{ days(reason_days) }}

models/intermediate/attribution/int_delivery_credits.sql

each source's last touch converts
- order by touches.touch_number desc
+ order by touches.touch_number asc

a converted delivery's journey satisfies trigger_match
- where {{ matches }}

a delivery is credited within its own source
- partition by touches.achievement_id, touches.source_id
+ partition by touches.achievement_id

the goal state is that on entering
- and deliveries.entered_at >= states.valid_from
+ and deliveries.entered_at > states.valid_from

who was in the goal state on entering converts nothing
- = (last_touches.transition = 'enter')
+ <> (last_touches.transition = 'enter')

# Section 9: exits

models/intermediate/exits/int_exit_journeys.sql

before the source's first row the earliest is in force
- when lag(updated_at) over source_history is null then {{ beginning_of_time() }}
+ when lag(updated_at) over source_history is null then updated_at

journeys count from data_start_at on
- and journeys.entered_at >= workspaces.data_start_at
+ and journeys.entered_at > workspaces.data_start_at

models/intermediate/exits/int_goal_exits.sql

the first achievement at or after entered_at
- and journeys.entered_at <= achievements.achieved_at
+ and journeys.entered_at < achievements.achieved_at

only a profile-only target is met on entering
- and rules.is_profile_only

models/intermediate/exits/int_unmatched_exits.sql

the next message is sent strictly after
- and unmatched.unmatched_at < messages.sent_at
+ and unmatched.unmatched_at <= messages.sent_at

for exits no webhook is sendable
- where not needs_opt_in and landed_journey_key in (
+ where landed_journey_key in (

unmatched from entered_at on
- greatest(entered_at, valid_from)
+ valid_from

the first such moment, whatever holds in between
- min(with_next_message.unmatched_at) as exit_at
+ max(with_next_message.unmatched_at) as exit_at

models/marts/fct_journey_exits.sql

a tie is goal (quick)
- when goal_exits.exit_at <= coalesce(unmatched_exits.exit_at, {{ end_of_time() }}) then 'goal'
+ when goal_exits.exit_at < coalesce(unmatched_exits.exit_at, {{ end_of_time() }}) then 'goal'

an exit at finished_at is one (quick)
- exit_at <= finished_at then exit_at end
+ exit_at < finished_at then exit_at end

messages_after_exit are sent after that moment (quick)
- and in_time.exit_at < messages.sent_at
+ and in_time.exit_at <= messages.sent_at

# Section 10: reports

models/marts/rpt_goal_funnel.sql

an achievement at as_of counts
- achievements.achieved_at <= clock.as_of
+ achievements.achieved_at < clock.as_of

step 1 at its goal's first achievement
- where steps.step = 1 and achievements.is_first
+ where steps.step = 1

each next step at the goal's earliest achievement
- reached.reached_at as previous_reached_at,
-         min(
+ reached.reached_at as previous_reached_at,
+         max(

models/marts/dim_goals.sql

locked when the first send is at as_of (quick)
- versions.first_sent_at <= clock.as_of
+ versions.first_sent_at < clock.as_of

models/marts/rpt_goal_summary.sql

profiles are those seen by as_of
- where first_observed_at <= (select as_of from clock)

a conversion at as_of has its place in the median
- where converted_at <= (select as_of from clock)
+ where converted_at < (select as_of from clock)

models/intermediate/reports/int_goal_days.sql

closed: the window ended before as_of
- 'window_ends_at < as_of
+ 'window_ends_at <= as_of

an enrollment at as_of counts
- 'enrolled_at', 'enrolled_at <= as_of'
+ 'enrolled_at', 'enrolled_at < as_of'

a conversion at as_of counts
- 'converted_at <= as_of'
+ 'converted_at < as_of'

a day is one of the workspace's calendar
- {{ calendar_day('facts.' ~ moment, 'calendars.time_zone') }}
+ cast(facts.{{ moment }} as date)

closed: every window of the cohort
- max(coalesce(window_ends_at,
+ min(coalesce(window_ends_at,

models/intermediate/reports/int_hours.sql

an hour in which the clocks are changed tells no day
- case when ahead_at_first = ahead_at_last then cast(ahead_at_first / 1000000 as bigint) end
+ cast(ahead_at_first / 1000000 as bigint)

models/intermediate/reports/int_begun_journeys.sql

a journey that several people have is one
- partition by shared_journey_key
+ partition by shared_journey_key, profile_key

models/intermediate/reports/int_audience_achievers.sql

an audience's achiever is one from the later of the two
- greatest(received_at, achieved_at)
+ received_at

models/intermediate/reports/int_segment_days.sql

enrolled by the state as of enrolled_at
- and counted.enrolled_at >= states.valid_from
+ and counted.enrolled_at > states.valid_from

models/marts/rpt_goal_cohorts.sql

a cohort is closed when every window ended before as_of (quick)
- enrollments.latest_window_ends_at < clock.as_of
+ enrollments.latest_window_ends_at <= clock.as_of

macros/progress.sql

a series runs to as_of, though nothing happens in it any more
- max(calendars.ends_on))", period
+ max(counted.period_start))", period

models/marts/rpt_enrollment_progress.sql

a series begins with its first impression
- goal_days.impressions + goal_days.enrollments + goal_days.conversions > 0
+ goal_days.enrollments + goal_days.conversions > 0

models/marts/fct_segment_memberships.sql

a stay begins where the snapshot before does not match
- coalesce({{ is_match('states.previous_matches', 'segments.predicate_number') }}, false)
+ false

models/marts/rpt_goal_funnel.sql

a step at the moment of the one before counts
- reached.reached_at <= achievements.achieved_at
+ reached.reached_at < achievements.achieved_at

the window runs from step 1
- ('reached.first_reached_at', 'achievements.achieved_at')
+ ('reached.reached_at', 'achievements.achieved_at')

models/marts/rpt_segment_performance.sql

members by the state as of as_of
- on states.valid_from <= clock.as_of and states.valid_to > clock.as_of
+ on states.valid_from < clock.as_of and states.valid_to >= clock.as_of

models/marts/dim_profiles.sql

a deletion at the newest moment marks the person
- bool_or(observations.is_deleted)
+ bool_and(observations.is_deleted)

models/marts/rpt_vendor_conversions.sql

a vendor's conversion after the clock is not known yet
- engagements.occurred_at <= clock.as_of
+ true

a vendor's conversion is a converted engagement
- and engagements.metric = 'converted'
+ and engagements.metric in ('converted', 'clicked')

an achievement at the very sending is one from it on
- theirs.sent_at <= achievements.achieved_at
+ theirs.sent_at < achievements.achieved_at

no impression comes before no achievement
- when not coalesce(kinds.is_impression, false) then 'not_an_impression'
+ when kinds.is_achieved is null then 'not_an_impression'

models/marts/rpt_source_performance.sql

the newest version's sources
- from {{ ref('dim_goals') }}
-     where is_current
+ from {{ ref('dim_goals') }}

macros/rate.sql

rates are null where the denominator is 0
- nullif({{ denominator }}, 0)
+ nullif({{ denominator }}, -1)

# Section 10: the conversion curve; section 11: experiments

models/marts/rpt_conversion_curve.sql

a window still open at as_of is censored there (quick)
- >= clock.as_of then clock.as_of
+ >= clock.as_of then null

a shorter closed window is censored at its end
- then enrollments.window_ends_at
+ then null

a window of 0 days is day 0
- when own_days = 0 and ended_at is not null then 0
+ when false then 0

with nobody at risk the share stays
- 1 - coalesce(exp(log_remaining), 0) as converted_share
+ 1 - coalesce(exp(log_remaining), 0.5) as converted_share

the curve has at most 90 days
- least(coalesce(goals.measurement_window_days, 90), 90)
+ least(coalesce(goals.measurement_window_days, 91), 91)

enrollments at risk at the day's beginning
- over until_the_day + conversions + censored as at_risk
+ over until_the_day + conversions as at_risk

models/intermediate/experiments/int_experiments.sql

what the newest row leaves empty the holdouts say
- coalesce(newest.expected_control_share, holdouts.expected_control_share)
+ newest.expected_control_share

never by an anonymous delivery or one without sent_at
- where is_holdout and not is_anonymous and sent_at is not null and source_id is not null
+ where is_holdout and source_id is not null

models/intermediate/experiments/int_assignments.sql

of holdouts the rows with the highest sequence say the arms
- holdouts.own_sequence = holdouts.highest_sequence
+ true

control are the profiles with a trapped delivery
- case when deliveries.is_holdout then 'control' else 'treatment' end
+ case when deliveries.is_holdout then 'treatment' else 'control' end

assigned at the first of them
- min(assigned_at) as assigned_at
+ max(assigned_at) as assigned_at

the covariate is in the state as of assigned_at
- and assigned.assigned_at >= observations.observed_at
+ and true

a missing covariate is 0
- then covariate_number end, 0)
+ then covariate_number end, 1)

models/intermediate/experiments/int_experiment_goals.sql

an empty list of goals counts as none (quick)
- coalesce({{ list_length('goal_ids') }}, 0) = 0
+ goal_ids is null

the first of the goal_ids is the primary one (quick)
- min(position) as position
+ max(position) as position

or else for all goals of the workspace (quick)
- where of_the_source.experiment_id is null
+ where false

models/intermediate/experiments/int_experiment_arms.sql

an assignment after as_of does not count (quick)
- on assignments.assigned_at <= clock.as_of
+ on true

a profile in both arms is in neither
- where not assigned.is_conflicting

who had achieved before assigned_at is in neither
- coalesce(achieved.first_achieved_at < measured.assigned_at, false) as has_achieved_before
+ false as has_achieved_before

an achievement at assigned_at is none before (quick)
- coalesce(achieved.first_achieved_at < measured.assigned_at, false)
+ coalesce(achieved.first_achieved_at <= measured.assigned_at, false)

only windows that ended before as_of
- coalesce(measured.window_ends_at < clock.as_of, false)
+ coalesce(measured.window_ends_at <= clock.as_of, false)

impact within the window
- sum(case when achievements.achieved_at <= measured.window_ends_at then
+ sum(case when achievements.achieved_at < measured.window_ends_at then

achievers within the window
- and achieved.first_achieved_at <= measured.window_ends_at, false
+ and achieved.first_achieved_at < measured.window_ends_at, false

to_date counts until as_of
- on achievements.achieved_at <= clock.as_of
+ on achievements.achieved_at < clock.as_of
""")

# What an incremental run recomputes (docs/increments.md).
INCREMENTS = read("""
models/intermediate/increments/int_affected_profiles.sql

an event affects from the earlier of its two clocks
- 'events': 'occurred_at'
+ 'events': 'received_at'

a state decides of a journey that was entered at its very moment
- deliveries.entered_at >= observations.affected_from
+ deliveries.entered_at > observations.affected_from

models/intermediate/increments/int_affected_by_deliveries.sql

a delivery whose engagements landed before it affects from the first of them
- least(deliveries.sent_at, first_engagements.first_engaged_at)
+ deliveries.sent_at

models/intermediate/increments/int_affected_by_definitions.sql

an exit condition affects the journeys entered since
- and journeys.entered_at >= changed.matters_from

who entered at the very moment of an exit condition is affected
- journeys.entered_at >= changed.matters_from
+ journeys.entered_at > changed.matters_from

models/intermediate/increments/int_touched_deliveries.sql

a delivered engagement changes what became of its delivery
- 'undeliverable', 'delivered') then 1
+ 'undeliverable') then 1

it does so beside an engagement that does not
- max(changes_outcome) = 1
+ min(changes_outcome) = 1

a failure touches its delivery as a whole
- case when metric in ('sent', 'bounced', 'failed', 'dropped', 'undeliverable') then 1 else 0 end
+ case when metric = 'sent' then 1 else 0 end

so does a sent engagement
- case when metric in ('sent', 'bounced',
+ case when metric in ('bounced',

a sent engagement changes what the delivery came to
- when metric in ('sent', 'bounced', 'failed', 'dropped', 'undeliverable', 'delivered')
+ when metric in ('bounced', 'failed', 'dropped', 'undeliverable', 'delivered')

models/intermediate/increments/int_definitions.sql

a workspace that becomes readable affects everybody
-     from {{ ref('int_unreadable_workspaces') }}
+     from {{ ref('int_unreadable_workspaces') }} where false

another property that names the currency is another definition
- , 'impact_currency_property',
+ ,

models/marts/dim_profiles.sql

a change brings its person anew
- select profile_key from staging.base_profile_changes
+ select cast(null as bigint) from staging.base_profile_changes

a workspace that becomes readable brings the profiles that nobody has seen since
- affected_from = " ~ beginning_of_time() ~ "
+ false

a profile was first observed before what an increment reads
- least(bounds.first_observed_at, kept.first_observed_at)
+ bounds.first_observed_at

macros/engine/recompute.sql

a fact at affected_from is deleted
- and {{ moment }} >= affected.affected_from
+ and {{ moment }} > affected.affected_from

macros/recompute.sql

a fact at affected_from is recomputed
- facts.{{ moment }} >= affected.affected_from{{ reach }}
+ facts.{{ moment }} > affected.affected_from{{ reach }}

macros/judged_rows.sql

a new row is compared with the older ones that have its key
- where base.file_id <= {{ watermark }}
+ where base.file_id < 0

models/intermediate/experiments/int_assignments.sql

a touched holdout is assigned anew
- from staging.base_holdouts
-     where touched_after
+ from staging.base_holdouts
+     where 0 > touched_after + 1 and touched_after

everybody is assigned anew where the rule is another
- or experiments.assignment_rule not in (select distinct assignment_rule from {{ this }})
+ or false
""")

# Rows exactly at affected_from, with nothing else that a run could use.
EDGES = read("""
models/intermediate/profiles/int_profile_states.sql

a change is laid over the state that is kept
- ', ' ~ list_item('kept_values', loop.index) if is_suffix else ''
+ ''

macros/recompute.sql

a currency that lands late lets a message lock a goal that was sent already
- , ref('base_workspaces')]
+ ]

a calendar day has 25 hours at most, so one day back is not enough
- [days or 0, 2]
+ [days or 0, 1]

the run's earliest affected_from skips nothing that lies at it
- facts.{{ moment }} >= {{ goalpost.earliest_affected() }}{{ reach }}
+ facts.{{ moment }} > {{ goalpost.earliest_affected() }}{{ reach }}

who reaches back reaches back from the run's earliest affected_from too
- {{ goalpost.earliest_affected() }}{{ reach }}
+ {{ goalpost.earliest_affected() }}

who reaches back reaches back from a profile's affected_from
- affected.affected_from{{ reach }}
+ affected.affected_from

macros/engine/recompute.sql

a fact at the run's earliest affected_from is deleted
- {{ moment }} >= {{ goalpost.earliest_affected() }}
+ {{ moment }} > {{ goalpost.earliest_affected() }}

models/intermediate/profiles/int_profile_states.sql

a state that begins at affected_from is none before it
- and states.valid_from < affected.affected_from
+ and states.valid_from <= affected.affected_from

a state that ends at affected_from is the one before it
- and states.valid_to >= affected.affected_from
+ and states.valid_to > affected.affected_from

a state that ends at the run's earliest affected_from is the one before it
- states.valid_to >= {{ earliest_affected() }}
+ states.valid_to > {{ earliest_affected() }}

only the state that affected_from finds is read back
- and states.valid_to >= affected.affected_from

the state before is deleted, since it gets a new end
- 'recompute_from': 'valid_to'
+ 'recompute_from': 'valid_from'

models/intermediate/achievements/int_message_achievements.sql

a delivery sent at the run's earliest affected_from is read
- '(row_sent_at >= '
+ '(row_sent_at > '

a delivery without a sent_at of its own is read
- ' or row_sent_at is null)'
+ ' and true)'

models/marts/fct_achievements.sql

an achievement at affected_from is none of those before
- and achievements.achieved_at < affected.affected_from
+ and achievements.achieved_at <= affected.affected_from

models/marts/fct_enrollments.sql

an enrollment at affected_from is none of those before
- and enrollments.enrolled_at < affected.affected_from
+ and enrollments.enrolled_at <= affected.affected_from

a window that ends at affected_from is open still
- {{ end_of_time() }}) >= affected.affected_from
+ {{ end_of_time() }}) > affected.affected_from

a window that ends at the run's earliest affected_from is open still
- {{ end_of_time() }}) >= {{ earliest_affected() }}
+ {{ end_of_time() }}) > {{ earliest_affected() }}

an enrollment that loses its conversion is open again
- enrollments.converted_at is null as was_open
+ true as was_open

models/marts/fct_delivery_conversions.sql

a delivery that loses its last credit keeps the ones before
- affected_rows(this, 'last_converted_at')
+ affected_rows(this, 'first_converted_at')

models/marts/fct_conversions.sql

a conversion goes by when it happened
- 'recompute_from': 'converted_at'
+ 'recompute_from': 'enrolled_at'

models/marts/fct_attributions.sql

a reason looks at the deliveries of 90 days
- reaching_back_days=reason_days)
+ reaching_back_days=reason_days - 1)
""")

# From which day reports are recounted, however the clock moves.
RECOUNTED = read("""
models/intermediate/reports/int_recounted_days.sql

where the clock moves on, days are recounted from the clock before
- else least(workspaces.affected_from, workspaces.as_of, counted_before.as_of)
+ else least(workspaces.affected_from, workspaces.as_of)

where the clock moves back, days are recounted from the clock now
- else least(workspaces.affected_from, workspaces.as_of, counted_before.as_of)
+ else least(workspaces.affected_from, counted_before.as_of)

in the west it is still the day before
- cast(counted_from as date) - 1 as first_day
+ cast(counted_from as date) as first_day

macros/recounted_rows.sql

in the east the day has begun before
- facts.{{ moment }} >= recounted.first_day - interval '1' day
+ facts.{{ moment }} >= recounted.first_day

models/intermediate/reports/int_begun_journeys.sql

a journey that began on a day that is kept is no new one
- where begun_before.shared_journey_key is null

models/intermediate/reports/int_goal_days.sql

a day that is kept is not counted twice
- and counted.calendar_day >= recounted.first_day

models/marts/rpt_goal_progress.sql

what a series has run up to in the periods that are kept is read back
- before={'achievers': 'running_achievers', 'achievements'
+ before={'achievements'

a period that is kept is not recomputed
- where not is_kept
""")
