"""Superset's import file: a dataset for each mart with the descriptions that dbt has, charts, one dashboard.

Belongs here: from goals.yaml and dbt's manifest to Superset's format. Does not: which charts there are
(goals.yaml), what the marts and columns mean (the models' .yml).
"""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import duckdb
import yaml

SPEC = Path(__file__).with_name("goals.yaml")
NAMES = {
    "goal": "goals.name as goal",
    "source": "coalesce(sources.name, kept.source_id, 'no message') as source",
    "credited_channel": "coalesce(kept.channel, 'no message') as credited_channel",
    "windows": "case when kept.is_closed then 'closed' else 'open' end as windows",
}
# What the columns of NAMES are made from.
MADE_FROM = {"goal": "goal_id", "source": "source_id", "credited_channel": "channel", "windows": "is_closed"}
# Where no source is not "no message": all sources together, or an experiment of none.
WITHOUT_SOURCE = ("rpt_conversion_curve", "rpt_goal_lift")
DESCRIBED_AS = {"goal": ("dim_goals", "name"), "source": ("dim_sources", "name")}


def write_bundle(place: Path, marts: Path, manifest: Path) -> None:
    """`marts`: the published file, from which Superset reads. Lets OSError pass."""
    spec = yaml.safe_load(SPEC.read_text("utf-8"))
    models = {
        node["name"]: node
        for node in json.loads(manifest.read_bytes())["nodes"].values()
        if node["resource_type"] == "model" and node["fqn"][1] == "marts"
    }
    with zipfile.ZipFile(place, "w") as bundle:
        for name, content in _files(spec, models, marts):
            bundle.writestr(f"goalpost/{name}", yaml.safe_dump(content, sort_keys=False, allow_unicode=True))


def _files(spec: dict, models: dict[str, dict], marts: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "metadata.yaml", {"version": "1.0.0", "type": "Dashboard", "timestamp": "2026-01-01T00:00:00+00:00"}
    yield (
        "databases/goalpost.yaml",
        {
            "database_name": "Goalpost",
            "sqlalchemy_uri": f"duckdb:///{marts}",
            "expose_in_sqllab": True,
            "allow_run_async": False,
            # For a query alone, so that the next one reads the file that was published meanwhile.
            "extra": {"engine_params": {"connect_args": {"read_only": True}}},
            "uuid": _uuid("database"),
            "version": "1.0.0",
        },
    )
    for mart, model in models.items():
        yield f"datasets/goalpost/{mart}.yaml", _dataset(mart, model, models, spec["metrics"].get(mart, {}))
    for title, chart in spec["charts"].items():
        yield f"charts/{title.replace(' ', '_').replace(',', '')}.yaml", _chart(title, chart)
    yield "dashboards/goals.yaml", _dashboard(spec, default_goal=_first_goal(marts))


def _dataset(mart: str, model: dict, models: dict[str, dict], metrics: dict[str, str]) -> dict[str, Any]:
    columns = [
        _column(name, column["data_type"], column["description"]) for name, column in model["columns"].items()
    ]
    names = [
        name
        for name, source in MADE_FROM.items()
        if source in model["columns"]
        and mart.startswith("rpt_")
        and not (name == "source" and mart in WITHOUT_SOURCE)
    ]
    for name in names:
        described, column = DESCRIBED_AS.get(name, (mart, MADE_FROM[name]))
        columns.append(_column(name, "varchar", models[described]["columns"][column]["description"]))
    return {
        "table_name": mart,
        "description": model["description"],
        "sql": _sql(mart, names) if names else None,
        "main_dttm_col": next((column["column_name"] for column in columns if column["is_dttm"]), None),
        "columns": columns,
        "metrics": [
            {"metric_name": name, "verbose_name": name, "expression": expression}
            for name, expression in {"Rows": "count(*)", **metrics}.items()
        ],
        "uuid": _uuid(mart),
        "database_uuid": _uuid("database"),
        "version": "1.0.0",
    }


def _sql(mart: str, names: list[str]) -> str:
    query = f"select kept.*, {', '.join(NAMES[name] for name in names)} from {mart} as kept"
    if "goal" in names:
        query += (
            " inner join dim_goals as goals on goals.workspace_id = kept.workspace_id"
            " and goals.goal_id = kept.goal_id and goals.is_current"
        )
    if "source" in names:
        query += (
            " left join dim_sources as sources on sources.workspace_id = kept.workspace_id"
            " and sources.source_id = kept.source_id"
        )
    return query


def _column(name: str, type_: str, description: str) -> dict[str, Any]:
    return {
        "column_name": name,
        "type": type_.upper(),
        "is_dttm": type_ in ("date", "timestamp"),
        "groupby": True,
        "filterable": True,
        "description": " ".join(description.split()),
    }


def _chart(title: str, chart: dict[str, Any]) -> dict[str, Any]:
    return {
        "slice_name": title,
        "description": chart["description"],
        "viz_type": chart["viz_type"],
        "params": {"viz_type": chart["viz_type"], **chart["params"]},
        "uuid": _uuid(title),
        "dataset_uuid": _uuid(chart["dataset"]),
        "version": "1.0.0",
    }


def _dashboard(spec: dict, default_goal: str | None) -> dict[str, Any]:
    ids = {title: number for number, title in enumerate(spec["charts"], start=1)}
    position: dict[str, Any] = {
        "DASHBOARD_VERSION_KEY": "v2",
        "ROOT_ID": {"type": "ROOT", "id": "ROOT_ID", "children": ["GRID_ID"]},
        "GRID_ID": {"type": "GRID", "id": "GRID_ID", "children": [], "parents": ["ROOT_ID"]},
        "HEADER_ID": {"type": "HEADER", "id": "HEADER_ID", "meta": {"text": spec["title"]}},
    }
    for number, row in enumerate(spec["rows"]):
        row_id, height = f"ROW-{number}", row["height"]
        charts = {f"CHART-{ids[title]}": (title, width) for title, width in row.items() if title != "height"}
        position["GRID_ID"]["children"].append(row_id)
        position[row_id] = {
            "type": "ROW",
            "id": row_id,
            "children": list(charts),
            "parents": ["ROOT_ID", "GRID_ID"],
            "meta": {"background": "BACKGROUND_TRANSPARENT"},
        }
        for chart_id, (title, width) in charts.items():
            position[chart_id] = {
                "type": "CHART",
                "id": chart_id,
                "children": [],
                "parents": ["ROOT_ID", "GRID_ID", row_id],
                "meta": {
                    "chartId": ids[title],
                    "uuid": _uuid(title),
                    "sliceName": title,
                    "width": width,
                    "height": height,
                },
            }
    excluded = [ids[title] for title in spec["not_filtered"]]
    return {
        "dashboard_title": spec["title"],
        "slug": "goals",
        "published": True,
        "position": position,
        "metadata": {
            "native_filter_configuration": [
                _filter(each, excluded, default_goal) for each in spec["filters"]
            ],
            "filter_bar_orientation": "HORIZONTAL",
            "cross_filters_enabled": False,
            "color_scheme": "supersetColors",
        },
        "uuid": _uuid("dashboard"),
        "version": "1.0.0",
    }


def _filter(each: dict[str, Any], excluded: list[int], default_goal: str | None) -> dict[str, Any]:
    """A list to choose from; a required one chooses a single value from the start, because goals may not be
    added up."""
    is_required = each.get("required", False)
    chosen = [default_goal] if is_required and default_goal else None
    selected = [{"col": each["column"], "op": "IN", "val": chosen}] if chosen else []
    return {
        "id": f"NATIVE_FILTER-{each['column']}",
        "name": each["title"],
        "type": "NATIVE_FILTER",
        "filterType": "filter_select",
        "targets": [{"datasetUuid": _uuid("rpt_goal_summary"), "column": {"name": each["column"]}}],
        "controlValues": {
            "multiSelect": not is_required,
            "enableEmptyFilter": is_required,
            "defaultToFirstItem": False,
            "searchAllOptions": False,
            "inverseSelection": False,
        },
        "defaultDataMask": {
            "extraFormData": {"filters": selected} if selected else {},
            "filterState": {"value": chosen} if chosen else {},
        },
        "cascadeParentIds": [],
        "scope": {"rootPath": ["ROOT_ID"], "excluded": excluded},
    }


def _first_goal(marts: Path) -> str | None:
    with duckdb.connect(marts, read_only=True) as connection:
        found = connection.execute(
            "select name from dim_goals inner join rpt_goal_summary using (workspace_id, goal_id) "
            "where is_current "
            "order by coalesce(impact, 0) = 0, workspace_id, attributed_achievers desc, goal_id limit 1"
        ).fetchone()
    return found[0] if found else None


def _uuid(name: str) -> str:
    """The same in each bundle: a second import replaces what the first made."""
    return str(uuid5(NAMESPACE_URL, f"goalpost/superset/{name}"))
