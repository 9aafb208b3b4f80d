select
    file_id,
    ledger.rows as ledger_rows,
    landed.rows as table_rows
from (
    select
        file_id,
        rows
    from raw.files
    where table_name = '{table}' and outcome = 'loaded'
) as ledger
full join (
    select
        file_id,
        count(*) as rows
    from {batch}
    group by file_id
) as landed using (file_id)
where coalesce(ledger.rows, -1) <> coalesce(landed.rows, 0)
