select
    enrollment_id,
    conversions.converted_at,
    enrollments.converted_at as enrollment_converted_at
from {batch} as conversions
full join (
    select
        enrollment_id,
        converted_at
    from marts.fct_enrollments
    where converted_at is not null
) as enrollments using (enrollment_id)
where conversions.converted_at is distinct from enrollments.converted_at
