-- The candidates for each achievement's credit, the best first. The verdict: did it touch, inside the window, and last?
select
    candidates.achievement_id,
    candidates.delivery_id,
    candidates.source_id,
    sources.name as source_name,
    candidates.channel,
    candidates.sent_at,
    candidates.touch_metric,
    candidates.touch_at,
    candidates.attribution_window_days as window_days,
    case
        when touches.touch_number = touches.touches then 'credited'
        when touches.touch_number is not null then 'not_last'
        when candidates.touch_at is not null then 'outside_window'
        else 'no_touch'
    end as verdict,
    touches.credit_first,
    touches.credit_last,
    touches.credit_linear,
    touches.credit_position,
    touches.credit_time_decay
from intermediate.int_candidates as candidates
left join marts.dim_sources as sources using (workspace_id, source_id)
left join marts.fct_touches as touches
    on candidates.achievement_id = touches.achievement_id and candidates.delivery_id = touches.delivery_id
where workspace_id = $workspace_id and candidates.goal_id = $goal_id and candidates.profile_id = $profile_id
order by
    touches.touch_number desc nulls last,
    candidates.touch_at desc nulls last,
    candidates.sent_at desc,
    candidates.delivery_id
