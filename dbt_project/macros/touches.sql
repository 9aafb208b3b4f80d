{#
    Which deliveries are candidates for an achievement's credit, and when a delivery touched (SEMANTICS, section 8). Each condition is
    here once: int_touch_times and int_touches find the touches, fct_attributions says why there is none, and int_candidates serves both
    to `goalpost explain`. The parameters are aliases in the model's SQL: `rule` is a row of int_source_rules.
#}

{# Is the received delivery one that the rule credits? #}
{% macro is_candidate(delivery, rule, message_id='message_id') -%}
{{ delivery }}.entered_at >= {{ rule }}.attached_at
        and (not {{ delivery }}.needs_opt_in or {{ goalpost.list_has(rule ~ '.webhook_message_ids', delivery ~ '.' ~ message_id) }})
{%- endmacro %}


{# The criterion that a delivery on a channel must meet. #}
{% macro criterion(rule, channel) -%}
coalesce({{ goalpost.map_value(rule ~ '.attribution_criteria', channel) }}, 'sent')
{%- endmacro %}


{# Is this moment of a delivery (its sending or an engagement) a touch? `rule` has the criterion as touch_metric. #}
{% macro is_touch_time(rule, metric, moment, is_machine) -%}
{{ rule }}.touch_metric = {{ metric }}
            and {{ rule }}.counts_since <= {{ moment }}
            and ({{ rule }}.attribution_counts_machine or not {{ is_machine }})
{%- endmacro %}


{# Is a touch at or before the achievement within the attribution window? 0 days mean the calendar day, which has at most 25 hours. #}
{% macro is_in_attribution_window(touch_at, achieved_at, rule) -%}
case {{ rule }}.attribution_window_days
            when 0
                then
                    {{ touch_at }} >= {{ achieved_at }} - interval '2' day
                    and date_trunc('day', {{ goalpost.local_time(touch_at, rule ~ '.time_zone') }})
                    = date_trunc('day', {{ goalpost.local_time(achieved_at, rule ~ '.time_zone') }})
            else {{ touch_at }} >= {{ achieved_at }} - {{ goalpost.days(rule ~ '.attribution_window_days') }}
        end
{%- endmacro %}
