-- Grain: one row per goal and profile with both an impression and an achievement of it, whichever came first; by the source and
-- channel of the first impression. Holds those who may have got the later of the two on days that this run recounts.
{{ config(materialized='view', meta={'holds': 'increment'}) }}

with by_their_impression as (

    select
        impressions.workspace_id,
        impressions.goal_id,
        impressions.source_id,
        impressions.channel,
        impressions.profile_key,
        impressions.received_at as achiever_since
    from {{ recounted_rows(ref('fct_impressions'), 'received_at') }} as impressions
    inner join {{ ref('fct_achievements') }} as achievements
        on
            impressions.profile_key = achievements.profile_key
            and impressions.goal_id = achievements.goal_id
            and impressions.received_at >= achievements.achieved_at
    where impressions.is_first and achievements.is_first

),

by_their_achievement as (

    select
        impressions.workspace_id,
        impressions.goal_id,
        impressions.source_id,
        impressions.channel,
        impressions.profile_key,
        achievements.achieved_at as achiever_since
    from {{ recounted_rows(ref('fct_achievements'), 'achieved_at') }} as achievements
    inner join {{ ref('fct_impressions') }} as impressions
        on
            achievements.profile_key = impressions.profile_key
            and achievements.goal_id = impressions.goal_id
            and achievements.achieved_at > impressions.received_at
    where achievements.is_first and impressions.is_first

)

select * from by_their_impression
union all
select * from by_their_achievement
