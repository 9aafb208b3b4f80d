select
    enrollment_id,
    conversions.converted_at,
    enrollments.enrolled_at,
    window_ends_at
from {batch} as conversions
inner join marts.fct_enrollments as enrollments using (enrollment_id)
where conversions.converted_at < enrollments.enrolled_at or conversions.converted_at > window_ends_at
