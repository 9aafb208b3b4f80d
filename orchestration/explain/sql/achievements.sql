select
    achievements.achievement_id,
    achievements.achieved_at as moment,
    achievements.achievement_number,
    achievements.kind,
    achievements.impact_value,
    achievements.impact_currency,
    attributions.unattributed_reason,
    attributions.delivery_id as credited_delivery_id,
    list(enrollments.delivery_id order by enrollments.enrolled_at, enrollments.delivery_id)
        filter (enrollments.delivery_id is not null) as converted_deliveries
from marts.fct_achievements as achievements
inner join marts.fct_attributions as attributions using (workspace_id, goal_id, profile_id, achievement_id)
left join marts.fct_enrollments as enrollments
    on
        achievements.workspace_id = enrollments.workspace_id
        and achievements.goal_id = enrollments.goal_id
        and achievements.profile_id = enrollments.profile_id
        and achievements.achievement_id = enrollments.achievement_id
where workspace_id = $workspace_id and goal_id = $goal_id and profile_id = $profile_id
group by all
order by achievements.achievement_number
