{#
    How a run recomputes a suffix instead of everything (docs/increments.md).

    One model, int_affected_profiles, decides what a run must recompute: each profile that the new rows (or a changed definition) can
    affect, and the earliest moment, affected_from, at which they can change anything. Facts before that moment stay; facts from it
    on are deleted and recomputed. The result is exact for rows in any order, and cheap for rows in the usual order.

    A model is materialized as `recompute` (macros/engine/recompute.sql), and says in its first lines which of its rows are replaced:
      meta.recompute_from    the column (or expression over `kept`) to compare with affected_from: rows of affected profiles whose
                             value is at or after affected_from are deleted before the new rows are inserted
      meta.recompute_where   or: the condition over `kept` itself
      meta.recompute_other   also: a column that has one value in all new rows; kept rows with another value are deleted
      unique_key             also: kept rows whose key is in the new rows are deleted
      none of these          all rows; the model then must not read its own rows, which are deleted first
    It reads its inputs through affected_rows().
#}


{# The last landed file before those that the increment covers. Rows that the increment touches are marked with it (touched_after). #}
{% macro watermark() -%}
{{ return(goalpost.increment()['after_file_id']) }}
{%- endmacro %}


{# The earliest affected_from of this run, as a literal, so that a scan by time can skip earlier rows. #}
{% macro earliest_affected() -%}
{%- set affected = ref('int_affected_profiles') -%}
{%- set found = goalpost.asked_once("select min(affected_from) from " ~ affected) if execute else [] -%}
{{ goalpost.moment_or_end_of_time(found) }}
{%- endmacro %}


{#
    The rows of a relation that a run reads: from scratch, all of them; else those of affected profiles whose `moment` is at or after
    affected_from. `reaching_back_days` starts that many days earlier. Without `moment`: all rows of affected profiles.
#}
{% macro affected_rows(relation, moment=none, reaching_back_days=0) -%}
{%- set affected = ref('int_affected_profiles') -%}
{%- if goalpost.from_scratch() -%}
{{ relation }}
{%- else -%}
(
        select facts.*
        from {{ relation }} as facts
        inner join {{ affected }} as affected on facts.profile_key = affected.profile_key
        {%- if moment %}
        {%- set reach = " - interval '" ~ reaching_back_days ~ "' day" if reaching_back_days else '' %}
        where
            facts.{{ moment }} >= affected.affected_from{{ reach }}
            and facts.{{ moment }} >= {{ goalpost.earliest_affected() }}{{ reach }}
        {%- endif %}
    )
{%- endif -%}
{%- endmacro %}


{#
    The profiles of some rows of affected profiles, for `in`. Asked of int_affected_profiles, because DuckDB knows how many rows a table has:
    it takes a few rows that a query computes for millions, and would keep the other, longer side of the semi join in memory.
#}
{% macro profiles_of(rows) -%}
(
        select profile_key from {{ ref('int_affected_profiles') }}
        where profile_key in (select profile_key from {{ rows }})
    )
{%- endmacro %}


{# The earliest sent_at in the rows of touched deliveries, as a literal, so that a scan by time finds these deliveries. #}
{% macro earliest_touched_send() -%}
{%- set deliveries, touched = ref('base_deliveries'), ref('int_touched_deliveries') -%}
{%- set found = goalpost.asked_once(
    "select min(deliveries.sent_at) from " ~ deliveries ~ " as deliveries inner join " ~ touched
    ~ " as touched on deliveries.delivery_key = touched.delivery_key"
) if execute else [] -%}
{{ goalpost.moment_or_end_of_time(found) }}
{%- endmacro %}


{# The moment that a query found, as a literal; if it found none, the end of time. #}
{% macro moment_or_end_of_time(found) -%}
{%- set moment = found[0][0] if found else none -%}
{%- if moment is none -%}{{ goalpost.end_of_time() }}{%- else -%}timestamp '{{ moment }}'{%- endif -%}
{%- endmacro %}


{# Do all rows of a relation have this value in the column? #}
{% macro holds_only(relation, column, value) -%}
{%- set found = goalpost.asked_once("select count(*) from " ~ relation ~ " where " ~ column ~ " <> '" ~ value ~ "'") if execute else [] -%}
{{ return(not found or found[0][0] == 0) }}
{%- endmacro %}


{# The maximum number of days between a touch and its achievement: at least two, so that a whole calendar day fits. #}
{% macro longest_attribution_window() -%}
{%- set rules = ref('int_goal_rules') -%}
{%- set found = goalpost.asked_once("select max(attribution_window_days) from " ~ rules) if execute else [] -%}
{%- set days = found[0][0] if found else none -%}
{{ return([days or 0, 2] | max) }}
{%- endmacro %}


{#
    The earliest send that this run's new rows can change, as a literal: the first send of a touched delivery, before or after the run, by
    its rows or its `sent` engagements. If a goal, or the currency of its workspace, was touched: the beginning of time.
#}
{% macro first_send_that_may_change() -%}
{%- set deliveries, definitions = ref('base_deliveries'), [ref('base_goals'), ref('base_workspaces')] -%}
{%- set engagements, touched_deliveries = ref('base_engagements'), ref('int_touched_deliveries') -%}
{%- if goalpost.from_scratch() -%}
{{ return(goalpost.beginning_of_time()) }}
{%- endif -%}
{%- set touched = " where touched_after = " ~ goalpost.watermark() -%}
{%- set moments = [
    "select sent_at from " ~ deliveries ~ touched,
    "select occurred_at from " ~ engagements ~ " where metric = 'sent' and reason_code is null and delivery_key in (select delivery_key from "
    ~ touched_deliveries ~ " where is_touched_whole)",
] -%}
{%- for definition in definitions -%}
{%- do moments.append("select " ~ goalpost.beginning_of_time() ~ " from " ~ definition ~ touched) -%}
{%- endfor -%}
{%- set found = goalpost.asked_once("select min(sent_at) from (" ~ moments | join(' union all ') ~ ") as sends") if execute else [] -%}
{{ return(goalpost.moment_or_end_of_time(found)) }}
{%- endmacro %}
