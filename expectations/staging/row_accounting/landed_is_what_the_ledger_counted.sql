select
    table_name,
    ledger.rows as ledger_rows,
    landed
from (
    select
        table_name,
        sum(rows) as rows
    from raw.files
    where outcome = 'loaded'
    group by table_name
) as ledger
full join {batch} as accounting using (table_name)
where coalesce(ledger.rows, 0) <> coalesce(landed, 0)
