"""The reference makes the same of the scenarios' stories: also of the rows that no scenario looks at."""

from reference import compute
from scenarios import AS_OF, built, landed
from test_worlds import compare


def test_every_mart_of_every_scenario_equals_the_reference(tmp_path_factory):
    home = tmp_path_factory.getbasetemp() / "scenarios"
    pipeline, expected, found = built(home), compute(list(landed(home)), AS_OF), []
    for mart, rows in expected.marts.items():
        found += compare(mart, rows, pipeline.mart(mart), list(rows[0]))
    for table, rows in expected.quarantine.items():
        columns = ["path", "row_number", "reason_code"]
        found += compare(
            f"quarantine.{table}", rows, pipeline.query(f"select * from quarantine.{table}"), columns
        )
    assert not found, "\n".join(found)
