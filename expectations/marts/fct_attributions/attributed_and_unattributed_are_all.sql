select
    achievement_id,
    achievements.rows as achievements,
    attributions.rows as attributions
from (
    select
        achievement_id,
        count(*) as rows
    from marts.fct_achievements
    group by achievement_id
) as achievements
full join (
    select
        achievement_id,
        count(*) as rows
    from {batch}
    group by achievement_id
) as attributions using (achievement_id)
where achievements.rows is distinct from attributions.rows
