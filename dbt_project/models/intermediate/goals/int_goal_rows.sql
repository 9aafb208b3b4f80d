-- Grain: one row per standing goal row, judged in the order of updated_at: accepted (reason_code is null) or refused because
-- it changes the goal's policy or currency (bad_definition) or the core of a locked goal (goal_locked). SEMANTICS, section 4.
-- Rebuilt each run, but keeps the first sends before the earliest send that the new rows can change (unless goals changed).
{{ config(meta={'recompute_where': 'true'}) }}
{%- set sends_from = first_send_that_may_change() %}

with rows_in_order as (

    select
        goals.*,
        coalesce(goals.impact_currency, workspaces.currency) as currency,
        first_value(goals.definition_policy) over goal_history as goal_policy,
        first_value(coalesce(goals.impact_currency, workspaces.currency)) over goal_history as goal_currency
    from {{ ref('stg_goals') }} as goals
    inner join {{ ref('int_workspaces') }} as workspaces on goals.workspace_id = workspaces.workspace_id
    window goal_history as (
        partition by goals.workspace_id, goals.goal_id
        order by goals.updated_at asc nulls last
        rows between unbounded preceding and unbounded following
    )

),

-- A row without an impact has the goal's currency.
with_refusals as (

    select
        *,
        case
            when definition_policy <> goal_policy
                then
                    'definition_policy: ''' || definition_policy || ''' is not what the goal''s first row says, ''' || goal_policy
                    || '''; make a new goal'
            when has_impact and currency <> goal_currency
                then
                    'impact.currency: ' || {{ quoted('currency') }} || ' is not what the goal''s first row says, '
                    || {{ quoted('goal_currency') }} || '; make a new goal'
        end as refusal
    from rows_in_order

),

-- The lock refuses no row before the first send, so these are the rows in force until then.
in_force as (

    select
        workspace_id,
        goal_id,
        sources,
        webhook_message_ids,
        definition_hash,
        case when goal_policy = 'retroactive' then {{ beginning_of_time() }} else updated_at end as valid_from,
        case
            when goal_policy = 'retroactive' then {{ end_of_time() }}
            else coalesce(next_updated_at, {{ end_of_time() }})
        end as valid_to
    from (
        select
            *,
            lead(updated_at) over (partition by workspace_id, goal_id order by updated_at asc nulls last) as next_updated_at
        from with_refusals
        where refusal is null
    ) as accepted_so_far
    where goal_policy <> 'retroactive' or next_updated_at is null

),

sends as (

    select
        in_force.workspace_id,
        in_force.goal_id,
        in_force.definition_hash,
        min(deliveries.sent_at) as first_sent_at
    from (select *, {{ one_row_an_item('sources') }} as source_id from in_force) as in_force
    inner join {{ ref('int_sendable_deliveries') }} as deliveries
        on
            in_force.workspace_id = deliveries.workspace_id
            and in_force.source_id = deliveries.source_id
            and deliveries.sent_at >= in_force.valid_from
            and deliveries.sent_at < in_force.valid_to
    where
        deliveries.sent_at >= {{ sends_from }}
        and (not deliveries.needs_opt_in or {{ list_has('in_force.webhook_message_ids', 'deliveries.message_id') }})
    group by in_force.workspace_id, in_force.goal_id, in_force.definition_hash, in_force.valid_from
    {%- if not from_scratch() %}

    union all

    select distinct
        workspace_id,
        goal_id,
        locked_hash as definition_hash,
        first_sent_at
    from {{ this }}
    where first_sent_at < {{ sends_from }}
    {%- endif %}

),

first_sends as (

    select
        workspace_id,
        goal_id,
        definition_hash as locked_hash,
        first_sent_at
    from (
        select
            *,
            row_number() over (partition by workspace_id, goal_id order by first_sent_at asc nulls last) as send_number
        from sends
    ) as numbered
    where send_number = 1

),

judged as (

    select
        with_refusals.*,
        first_sends.first_sent_at,
        first_sends.locked_hash,
        case
            when with_refusals.refusal is not null then 'bad_definition'
            when
                with_refusals.goal_policy = 'locked'
                and with_refusals.updated_at > first_sends.first_sent_at
                and with_refusals.definition_hash <> first_sends.locked_hash
                then 'goal_locked'
        end as reason_code
    from with_refusals
    left join first_sends
        on with_refusals.workspace_id = first_sends.workspace_id and with_refusals.goal_id = first_sends.goal_id

)

select
    *,
    case
        when reason_code is null
            then count(case when reason_code is null then 1 end) over (
                partition by workspace_id, goal_id
                order by updated_at asc nulls last
                rows between unbounded preceding and current row
            )
    end as version_number,
    case reason_code
        when 'bad_definition' then refusal
        when 'goal_locked'
            then
                'the goal sent its first message at ' || {{ moment_text('first_sent_at') }}
                || ' and its eligibility, target, evaluation window and measurement window are locked since; make a new goal'
    end as problem
from judged
