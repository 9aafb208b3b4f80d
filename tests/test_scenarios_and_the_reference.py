"""The reference gives the same result for the scenarios' stories, also for rows that no scenario checks."""

from reference import compute
from scenarios import AS_OF, built, landed
from test_worlds import unlike


def test_every_mart_of_every_scenario_equals_the_reference(tmp_path_factory):
    home = tmp_path_factory.getbasetemp() / "scenarios"
    pipeline = built(home)
    found = unlike(compute(list(landed(home)), AS_OF), pipeline)
    assert not found, "\n".join(found)
