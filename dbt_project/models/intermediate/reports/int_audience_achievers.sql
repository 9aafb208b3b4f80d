-- Grain: one row per goal and profile with both an impression and an achievement of it, in any order, with the source and
-- channel of the first impression. Holds profiles whose later one of the two may be on a day that this run recounts.
{{ config(materialized='view', meta={'holds': 'increment'}) }}

with impressions as {{ read_where_used() }} (

    select * from {{ ref('fct_impressions') }}
    where is_first

),

achievements as {{ read_where_used() }} (

    select * from {{ ref('fct_achievements') }}
    where is_first

),

pairs as (
    {%- if from_scratch() %}

    select
        impressions.*,
        achievements.achieved_at
    from impressions
    inner join achievements
        on impressions.profile_key = achievements.profile_key and impressions.goal_id = achievements.goal_id

    {%- else %}

    -- By the impression, if it is the later one, or else by the achievement.
    select
        impressions.*,
        achievements.achieved_at
    from {{ recounted_rows('impressions', 'received_at') }} as impressions
    inner join achievements
        on
            impressions.profile_key = achievements.profile_key
            and impressions.goal_id = achievements.goal_id
            and impressions.received_at >= achievements.achieved_at

    union all

    select
        impressions.*,
        achievements.achieved_at
    from {{ recounted_rows('achievements', 'achieved_at') }} as achievements
    inner join impressions
        on
            achievements.profile_key = impressions.profile_key
            and achievements.goal_id = impressions.goal_id
            and achievements.achieved_at > impressions.received_at

    {%- endif %}

)

select
    workspace_id,
    goal_id,
    source_id,
    channel,
    profile_key,
    greatest(received_at, achieved_at) as achiever_since
from pairs
