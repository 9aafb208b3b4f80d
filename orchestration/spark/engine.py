"""The project's macros for Spark, for the statements that Python writes.

Belongs here: rendering a macro of dbt_project/macros/engine/ without dbt. Does not: any SQL.
"""

from functools import cache
from types import SimpleNamespace

from jinja2 import Environment

from orchestration.settings import DBT_PROJECT


@cache
def json_macros() -> SimpleNamespace:
    """The macros of json.sql as functions: macros.is_json_object("line") is SQL of Spark."""
    macros = SimpleNamespace()
    adapter = SimpleNamespace(dispatch=lambda name: getattr(macros, f"spark__{name}"))
    source = (DBT_PROJECT / "macros" / "engine" / "json.sql").read_text()
    template = Environment(extensions=["jinja2.ext.do"]).from_string(
        source, globals={"goalpost": macros, "adapter": adapter, "return": lambda text: text}
    )
    vars(macros).update(vars(template.module))
    return macros
