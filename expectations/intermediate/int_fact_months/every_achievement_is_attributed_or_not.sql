select
    fact_month,
    max(case fact when 'fct_achievements' then fact_rows end) as achievements,
    max(case fact when 'fct_attributions' then fact_rows end) as attributions
from {batch}
where fact in ('fct_achievements', 'fct_attributions')
group by fact_month
having
    max(case fact when 'fct_achievements' then fact_rows end)
    is distinct from max(case fact when 'fct_attributions' then fact_rows end)
