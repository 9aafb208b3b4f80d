"""Each expectation fails when its rule is broken, and passes when it is not.

The good world below keeps every rule. BREAKS names for each expectation one change that breaks it. A test
fails for an expectation without such a change, so nobody can commit an expectation that cannot fail.
"""

import json
import shutil
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from orchestration.checks import process as checks_process
from orchestration.checks.scope import open_for_checks
from orchestration.checks.suites import STEPS, Suite, keep_results, read_suites, run_steps, run_suites
from orchestration.contract import RAW_TABLES
from orchestration.errors import GoalpostError
from orchestration.settings import EXPECTATIONS as EXPECTATIONS_FOLDER
from orchestration.settings import Settings
from orchestration.warehouse import connect

SUITES = [suite for step in STEPS for suite in read_suites(step)]
EXPECTATIONS = [(suite, item) for suite in SUITES for item in suite.expectations]

TYPES = {"timestamp": "timestamp", "boolean": "boolean", "integer": "bigint", "share": "double"}
VALUES = {
    "timestamp": "timestamp '2026-01-01'",
    "boolean": "false",
    "integer": "0",
    "share": "0.1",
    "json": "'{}'",
    "filter": "'{\"all\": []}'",
    "definition": "'{}'",
}

MODELS = """
create table staging.row_accounting (table_name varchar, landed bigint, staged bigint, superseded bigint,
    quarantined bigint);
create table intermediate.int_profile_states (workspace_id varchar, profile_key bigint, valid_from timestamp,
    valid_to timestamp);
create table intermediate.int_affected_profiles (profile_key bigint, affected_from timestamp);
create table intermediate.int_fact_months (fact varchar, fact_month date, fact_rows bigint, fact_keys bigint,
    sum_of_keys varchar);
create table intermediate.int_goal_versions (workspace_id varchar, goal_id varchar, goal_version timestamp,
    valid_from timestamp, valid_to timestamp, next_updated_at timestamp, unknown_keys varchar[]);
create table intermediate.int_filters (workspace_id varchar, owner_id varchar, role varchar, problem varchar);
create table intermediate.int_unreadable_workspaces (workspace_id varchar, reason_code varchar,
    problem varchar);
create table marts.fct_achievements (workspace_id varchar, goal_id varchar, profile_id varchar,
    achievement_id varchar, achieved_at timestamp, is_first boolean, impact_value decimal(18, 6),
    impact_currency varchar, unconverted_currency varchar);
create table marts.fct_impressions (workspace_id varchar, goal_id varchar, delivery_id varchar,
    received_at timestamp, outcome varchar);
create table marts.fct_enrollments (workspace_id varchar, goal_id varchar, enrollment_id varchar,
    delivery_id varchar, enrolled_at timestamp, window_ends_at timestamp, converted_at timestamp);
create table marts.fct_conversions (workspace_id varchar, goal_id varchar, profile_id varchar,
    enrollment_id varchar, achievement_id varchar, converted_at timestamp);
create table marts.fct_touches (achievement_id varchar, delivery_id varchar, achieved_at timestamp,
    touch_at timestamp,
    credit_first decimal(18, 12), credit_last decimal(18, 12), credit_linear decimal(18, 12),
    credit_position decimal(18, 12), credit_time_decay decimal(18, 12));
create table marts.fct_attributions (achievement_id varchar, is_attributed boolean, delivery_id varchar,
    touch_at timestamp, achieved_at timestamp, unattributed_reason varchar);
create table marts.rpt_goal_summary (workspace_id varchar, goal_id varchar, impressions bigint,
    enrollments bigint, conversions bigint, achievers bigint, attributed_achievers bigint,
    unattributed_achievers bigint);
create table marts.rpt_goal_progress (workspace_id varchar, goal_id varchar, period varchar,
    achievers bigint);
create table marts.rpt_goal_lift (workspace_id varchar, experiment_id varchar, goal_id varchar,
    horizon varchar, treatment_profiles bigint, treatment_achievers bigint, control_profiles bigint,
    control_achievers bigint, difference double, newcombe_lower double, newcombe_upper double,
    always_valid_lower double, always_valid_upper double, sample_ratio_p double, verdict varchar);
create table marts.rpt_conversion_curve (workspace_id varchar, goal_id varchar, source_id varchar,
    day bigint, at_risk bigint, conversions bigint, censored bigint, converted_share double,
    plain_share double);
"""

# Person p receives d1, enrolls, and achieves inside the window; person q achieves without any delivery.
ROWS = """
insert into raw.files values
    (1, 'events', 'events/a.jsonl', 'hash a', 9, 2, '2026-01-01 10:00', 'loaded', null, [], 'f', null, null),
    (2, 'events', 'events/b.jsonl', 'hash b', 9, 0, '2026-01-01 11:00', 'loaded', null, [], 'f', null, null);
insert into raw.events (file_id, row_number) values (1, 1), (1, 2);

insert into staging.row_accounting values ('events', 2, 1, 1, 0), ('goals', 0, 0, 0, 0);

insert into intermediate.int_profile_states values
    ('w', 1, '2026-01-01', '2026-01-05'), ('w', 1, '2026-01-05', null), ('w', 2, '2026-01-02', null);
insert into intermediate.int_goal_versions values
    ('w', 'g', '2026-01-01', null, '2026-01-05', '2026-01-05', ['was_unknown']),
    ('w', 'g', '2026-01-05', '2026-01-05', null, null, []);
insert into intermediate.int_filters values ('w', 'g', 'profile', null);

insert into control.increment values (2, 1, 2, false, 'run 1');
insert into intermediate.int_affected_profiles values (3, '2026-02-01');
insert into intermediate.int_fact_months
select fact, months.* from (values ('fct_achievements'), ('fct_attributions')) as facts(fact),
    (values ('2026-01-01'::date, 2, null, '11'), ('2025-12-01', 1, null, '22'), (null, 3, null, '33'),
        ('2026-02-01', 5, 5, '55')) as months;

insert into marts.fct_achievements values
    ('w', 'g', 'p', 'a1', '2026-01-03', true, 9.5, 'USD', null),
    ('w', 'g', 'p', 'a2', '2026-01-04', false, 9.5, 'USD', null),
    ('w', 'g', 'q', 'a3', '2026-01-03', true, null, null, null);
insert into marts.fct_impressions values
    ('w', 'g', 'd1', '2026-01-02', 'enrolled'), ('w', 'g', 'd2', '2026-01-06', 'already_enrolled');
insert into marts.fct_enrollments values ('w', 'g', 'e1', 'd1', '2026-01-02', '2026-01-09', '2026-01-03');
insert into marts.fct_conversions values ('w', 'g', 'p', 'e1', 'a1', '2026-01-03');
insert into marts.fct_touches values
    ('a1', 'd1', '2026-01-03', '2026-01-02', 1, 1, 1, 1, 1),
    ('a2', 'd1', '2026-01-04', '2026-01-02', 1, 0, 0.333333333333, 0.5, 0.4),
    ('a2', 'd0', '2026-01-04', '2026-01-02', 0, 1, 0.666666666667, 0.5, 0.6);
insert into marts.fct_attributions values
    ('a1', true, 'd1', '2026-01-02', '2026-01-03', null),
    ('a2', true, 'd1', '2026-01-02', '2026-01-04', null),
    ('a3', false, null, null, '2026-01-03', 'no_delivery');
insert into marts.rpt_goal_summary values ('w', 'g', 2, 1, 1, 2, 1, 1);
insert into marts.rpt_goal_progress values ('w', 'g', 'day', 1), ('w', 'g', 'day', 1), ('w', 'g', 'week', 2);
insert into marts.rpt_goal_lift values
    ('w', 'x', 'g', 'to_date', 100, 10, 100, 5, 0.05, -0.02, 0.13, -0.2, 0.3, 1, 'undecided');
insert into marts.rpt_conversion_curve values ('w', 'g', null, 0, 2, 1, 1, 0.5, 0.5);
"""

BREAKS = {
    "intermediate.int_fact_months.every_key_is_there_once": """
        update intermediate.int_fact_months set fact_rows = 6 where fact_keys = 5""",
    "intermediate.int_fact_months.months_before_what_landed_are_as_they_were": """
        update intermediate.int_fact_months set sum_of_keys = '34' where fact_month is null""",
    "intermediate.int_fact_months.every_achievement_is_attributed_or_not": """
        update intermediate.int_fact_months set fact_rows = 2 where fact = 'fct_attributions'""",
    "raw.files.file_is_known_once": """
        create or replace table raw.files as
        select * from raw.files union all select * replace (3 as file_id) from raw.files where file_id = 2""",
    "raw.files.file_id_is_unique": "update raw.files set file_id = 1",
    "raw.files.clock_is_not_ahead": "update raw.files set loaded_at = now()::timestamp + interval 1 hour",
    "raw.files.file_id_follows_the_clock": """
        update raw.files set loaded_at = '2026-01-01 09:59' where file_id = 2""",
    "raw.files.set_aside_has_a_reason": "update raw.files set outcome = 'set_aside'",
    "raw.files.no_file_is_set_aside": "update raw.files set outcome = 'set_aside', reason = 'not UTF-8'",
    "raw.files.no_column_is_unknown": "update raw.files set unknown_columns = ['colour'] where file_id = 1",
    "staging.row_accounting.every_landed_row_is_accounted_for": """
        update staging.row_accounting set superseded = 0""",
    "staging.row_accounting.landed_is_what_the_ledger_counted": """
        update staging.row_accounting set landed = 1, superseded = 0""",
    "staging.row_accounting.few_rows_are_quarantined": """
        update staging.row_accounting set superseded = 0, quarantined = 1 where landed > 0""",
    "intermediate.int_profile_states.intervals_do_not_overlap": """
        insert into intermediate.int_profile_states values ('w', 2, '2026-01-03', '2026-01-04')""",
    "intermediate.int_profile_states.no_interval_is_empty": """
        update intermediate.int_profile_states set valid_to = valid_from where valid_to is not null""",
    "intermediate.int_goal_versions.intervals_do_not_overlap": """
        update intermediate.int_goal_versions set valid_to = '2026-01-06' where valid_from is null""",
    "intermediate.int_goal_versions.no_interval_is_empty": """
        update intermediate.int_goal_versions set valid_to = valid_from""",
    "intermediate.int_goal_versions.no_key_is_unknown": """
        update intermediate.int_goal_versions set unknown_keys = ['tagret'] where next_updated_at is null""",
    "intermediate.int_filters.every_filter_is_computed": """
        update intermediate.int_filters set problem = 'more than 1,000 conditions'""",
    "marts.fct_achievements.achievement_is_counted_once": """
        update marts.fct_achievements set achievement_id = 'a1'""",
    "marts.fct_achievements.first_is_once_per_goal_and_profile": """
        update marts.fct_achievements set is_first = true""",
    "marts.fct_achievements.impact_is_known": """
        update marts.fct_achievements set impact_value = null where achievement_id = 'a2'""",
    "marts.fct_achievements.impact_is_in_the_goals_currency": """
        update marts.fct_achievements set impact_value = null, unconverted_currency = 'EUR'
        where achievement_id = 'a2'""",
    "intermediate.int_unreadable_workspaces.every_workspace_can_be_read": """
        insert into intermediate.int_unreadable_workspaces values ('v', 'bad_enum', 'no time zone')""",
    "marts.fct_impressions.delivery_is_one_impression_per_goal": """
        update marts.fct_impressions set delivery_id = 'd1'""",
    "marts.fct_impressions.outcome_is_known": "update marts.fct_impressions set outcome = 'maybe'",
    "marts.fct_enrollments.enrollment_is_unique": """
        insert into marts.fct_enrollments select * from marts.fct_enrollments""",
    "marts.fct_enrollments.enrollments_are_impressions": """
        update marts.fct_enrollments set delivery_id = 'd2'""",
    "marts.fct_enrollments.enrolled_impressions_are_enrollments": "delete from marts.fct_enrollments",
    "marts.fct_conversions.conversions_are_enrollments": "delete from marts.fct_conversions",
    "marts.fct_conversions.conversions_are_achievements": """
        update marts.fct_conversions set achievement_id = 'a2'""",
    "marts.fct_conversions.nothing_converts_outside_its_window": """
        update marts.fct_enrollments set window_ends_at = '2026-01-02 23:59:59.999999'""",
    "marts.fct_touches.credits_sum_to_one": """
        update marts.fct_touches set credit_linear = 0.333333333333 where achievement_id = 'a2'""",
    "marts.fct_touches.nothing_is_credited_after_the_fact": """
        update marts.fct_touches set touch_at = '2026-01-03 00:00:00.000001' where achievement_id = 'a1'""",
    "marts.fct_touches.touches_have_an_achievement": "delete from marts.fct_achievements",
    "marts.fct_attributions.attributed_and_unattributed_are_all": """
        delete from marts.fct_attributions where not is_attributed""",
    "marts.fct_attributions.unattributed_has_a_reason": """
        update marts.fct_attributions set unattributed_reason = null""",
    "marts.fct_attributions.reason_is_known": """
        update marts.fct_attributions set unattributed_reason = 'bad luck' where not is_attributed""",
    "marts.fct_attributions.nothing_is_credited_after_the_fact": """
        update marts.fct_attributions
        set touch_at = achieved_at + interval 1 microsecond where is_attributed""",
    "marts.rpt_goal_summary.funnel_narrows": """
        update marts.rpt_goal_summary set conversions = enrollments + 1""",
    "marts.rpt_goal_summary.attributed_and_unattributed_are_all": """
        update marts.rpt_goal_summary set attributed_achievers = 2""",
    "marts.rpt_goal_progress.periods_agree": """
        update marts.rpt_goal_progress set achievers = 1 where period = 'week'""",
    "marts.rpt_goal_lift.achievers_are_profiles_of_their_arm": """
        update marts.rpt_goal_lift set control_achievers = control_profiles + 1""",
    "marts.rpt_goal_lift.intervals_hold_their_estimate": """
        update marts.rpt_goal_lift set newcombe_lower = difference + 0.1""",
    "marts.rpt_goal_lift.no_split_is_broken": """
        update marts.rpt_goal_lift set verdict = 'sample_ratio_mismatch'""",
    "marts.rpt_conversion_curve.only_enrollments_at_risk_end": """
        update marts.rpt_conversion_curve set censored = at_risk""",
    "marts.rpt_conversion_curve.the_share_is_one_and_not_below_the_plain_one": """
        update marts.rpt_conversion_curve set plain_share = converted_share + 0.1""",
}
for _table in RAW_TABLES.values():
    _raw, _staged = f"raw.{_table.name}", f"staging.stg_{_table.name}"
    _required = [column.name for column in _table.columns if column.is_key or column.required is True]
    BREAKS |= {
        f"{_raw}.columns_are_the_contract": f"alter table {_raw} rename {_required[0]} to other",
        f"{_raw}.rows_match_the_ledger": f"insert into {_raw} (file_id, row_number) values (7, 1)",
        f"{_staged}.key_is_unique": f"insert into {_staged} select * from {_staged}",
        f"{_staged}.required_is_present": f"update {_staged} set {_required[-1]} = null",
    }
    for _column in _table.columns:
        if _column.type == "enum":
            BREAKS[f"{_staged}.{_column.name}_is_known"] = f"update {_staged} set {_column.name} = 'nonsense'"
        if _column.type in ("json", "filter", "definition"):
            BREAKS[f"{_staged}.json_is_valid"] = f"update {_staged} set {_column.name} = '{{'"


def copy_of(world: Settings, home: Path) -> Settings:
    for database in world.home.glob("*.duckdb"):
        shutil.copy(database, home)
    return Settings(home=home)


@pytest.fixture(scope="session")
def empty_world(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = Settings(home=tmp_path_factory.mktemp("empty"))
    with connect(settings) as connection:
        connection.execute("create schema staging; create schema intermediate")
        connection.execute(MODELS)
        for table in RAW_TABLES.values():
            columns = ", ".join(
                f'"{column.name}" {TYPES.get(column.type, "varchar")}' for column in table.columns
            )
            connection.execute(f"create table staging.stg_{table.name} ({columns})")
    return settings


@pytest.fixture(scope="session")
def good_world(empty_world: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = copy_of(empty_world, tmp_path_factory.mktemp("good"))
    with connect(settings) as connection:
        connection.execute(ROWS)
        for table in RAW_TABLES.values():
            values = ", ".join(
                f"'{column.values[0]}'" if column.values else VALUES.get(column.type, f"'{column.name}'")
                for column in table.columns
            )
            connection.execute(f"insert into staging.stg_{table.name} values ({values})")
    return settings


def failed(settings: Settings, *suites: Suite, only_changed: bool = False) -> dict[str, dict]:
    return {
        f"{result.suite}.{result.expectation}": result.figures
        for _, results in run_suites(settings, suites, only_changed=only_changed)
        for result in results
        if not result.success
    }


def test_a_good_world_passes_every_expectation(good_world: Settings):
    assert failed(good_world, *SUITES) == {}


def test_an_empty_world_passes_every_expectation(empty_world: Settings):
    assert failed(empty_world, *SUITES) == {}


@pytest.mark.parametrize(
    ("suite", "item"), EXPECTATIONS, ids=[f"{suite.name}.{item.name}" for suite, item in EXPECTATIONS]
)
def test_each_expectation_fails_when_its_rule_is_broken(suite, item, good_world: Settings, tmp_path: Path):
    settings = copy_of(good_world, tmp_path)
    name = f"{suite.name}.{item.name}"
    with connect(settings) as connection:
        connection.execute(BREAKS[name])

    figures = failed(settings, replace(suite, expectations=(item,)))

    assert list(figures) == [name]
    assert "error" not in figures[name], "the rule could not be evaluated, which is another thing than broken"
    assert figures[name].get("examples"), "a failure names what broke it"


def test_a_rule_that_cannot_be_evaluated_fails_and_says_why(good_world: Settings):
    suite = next(suite for suite in SUITES if suite.name == "marts.fct_touches")
    broken = replace(suite.expectations[0], kwargs={"unexpected_rows_query": "select nothing from {batch}"})

    figures = failed(good_world, replace(suite, expectations=(broken,)))

    assert "nothing" in figures["marts.fct_touches.credits_sum_to_one"]["error"]


def test_a_missing_table_fails_its_rules_and_no_others(good_world: Settings):
    here = next(suite for suite in SUITES if suite.name == "marts.fct_touches")
    missing = replace(here, table="fct_nowhere")

    figures = failed(good_world, missing, here)

    assert len(figures) == len(missing.expectations)
    assert all("fct_nowhere" in figure["error"] for figure in figures.values())


def test_results_are_kept_with_their_run_and_a_second_try_replaces_them(good_world: Settings, tmp_path: Path):
    settings = copy_of(good_world, tmp_path)

    results = run_steps(settings, ["marts"])
    for _ in range(2):
        keep_results(settings, ["marts"], "run 1", results)

    with connect(settings, read_only=True) as connection:
        kept = connection.execute(
            "select suite, expectation, success from control.check_results where run_id = 'run 1'"
        ).fetchall()
    assert sorted(kept) == sorted((result.suite, result.expectation, result.success) for result in results)


@pytest.fixture
def changed_world(good_world: Settings, tmp_path: Path) -> Settings:
    """The good world with the marks of changes: the new rows touched each staged row except the event
    `older`."""
    settings = copy_of(good_world, tmp_path)
    with connect(settings) as connection:
        connection.execute("""
            delete from intermediate.int_affected_profiles;
            alter table marts.fct_achievements add profile_key bigint;
            update marts.fct_achievements set profile_key = if(profile_id = 'p', 1, 2);
            insert into staging.stg_events select * replace ('older' as event_id) from staging.stg_events;
            update control.increment set after_file_id = 7
        """)
        for table in RAW_TABLES.values():
            columns = ", ".join(f'"{column.name}"' for column in table.columns)
            keys = ", ".join(column.name for column in table.columns if column.is_key)
            staged, base = f"staging.stg_{table.name}", f"staging.base_{table.name}"
            connection.execute(
                f"create table {base} as select *, hash({keys}) as row_key, 7 as touched_after "
                f"from {staged}; "
                f"drop table {staged}; create view {staged} as select {columns} from {base}"
            )
        connection.execute("update staging.base_events set touched_after = 0 where event_id = 'older'")
    return settings


@pytest.mark.parametrize(
    ("name", "break_"),
    [
        ("marts.fct_achievements.impact_is_known", "update marts.fct_achievements set impact_value = null"),
        (
            "marts.fct_achievements.first_is_once_per_goal_and_profile",
            "update marts.fct_achievements set is_first = false where profile_id = 'p'",
        ),
    ],
)
def test_an_incremental_run_checks_the_profiles_that_it_affects(name, break_, changed_world: Settings):
    with connect(changed_world) as connection:
        connection.execute(break_)
    assert name in failed(changed_world, *SUITES)
    assert name not in failed(changed_world, *SUITES, only_changed=True)

    with connect(changed_world) as connection:
        connection.execute("insert into intermediate.int_affected_profiles values (1, '2026-01-01')")
    assert name in failed(changed_world, *SUITES, only_changed=True)


@pytest.mark.parametrize("event_id", ["event_id", "older"])
def test_an_incremental_run_checks_the_staged_rows_that_it_touched(event_id, changed_world: Settings):
    with connect(changed_world) as connection:
        connection.execute(
            "insert into staging.base_events from staging.base_events where event_id = ?", [event_id]
        )

    found = failed(changed_world, *SUITES, only_changed=True)

    assert ("staging.stg_events.key_is_unique" in found) is (event_id == "event_id")


def test_names_are_unique_and_severities_known():
    names = [f"{suite.name}.{item.name}" for suite, item in EXPECTATIONS]
    assert len(names) == len(set(names))
    assert {item.severity for _, item in EXPECTATIONS} <= {"critical", "warning"}


def test_no_break_is_left_behind_by_an_expectation_that_is_gone():
    assert set(BREAKS) <= {f"{suite.name}.{item.name}" for suite, item in EXPECTATIONS}


def test_the_raw_suites_know_every_table_and_column_of_the_contract():
    columns = {
        suite.table: suite.expectations[0].kwargs["column_list"]
        for suite in read_suites("raw")
        if suite.table != "files"
    }
    assert columns == {
        table.name: [
            *("file_id", "row_number"),
            *(column.name for column in table.columns),
            *("raw_record", "vendor_record"),
        ]
        for table in RAW_TABLES.values()
    }


def test_a_suite_that_cannot_be_read_is_named(tmp_path: Path):
    (tmp_path / "marts").mkdir()
    (tmp_path / "marts" / "fct_x.json").write_text('{"expectations": [{"type": "t"}]}')
    with pytest.raises(GoalpostError, match=r"fct_x\.json.*meta"):
        read_suites("marts", tmp_path)


def test_a_query_that_is_missing_is_named(tmp_path: Path):
    shutil.copytree(EXPECTATIONS_FOLDER / "marts", tmp_path / "marts")
    (tmp_path / "marts" / "fct_touches" / "credits_sum_to_one.sql").unlink()
    with pytest.raises(GoalpostError, match=r"fct_touches\.json names the query .*credits_sum_to_one\.sql"):
        read_suites("marts", tmp_path)


def test_each_query_is_named_by_a_suite():
    named = {
        suite.parent / item["query"]
        for suite in EXPECTATIONS_FOLDER.glob("*/*.json")
        for item in json.loads(suite.read_text())["expectations"]
        if "query" in item
    }
    assert named == set(EXPECTATIONS_FOLDER.rglob("*.sql"))


def test_an_incremental_run_takes_out_the_columns_that_rules_name(changed_world: Settings):
    words = {
        "marts.fct_achievements": {"select", "achievement_id", "is_first"},
        "staging.stg_events": {"name"},
    }

    def columns(table: str, words: dict[str, set[str]]) -> int:
        with closing(open_for_checks(changed_world, words, only_changed=True)) as connection:
            return len(connection.execute(f"describe {table}").fetchall())

    assert columns("marts.fct_achievements", words) == 2
    assert columns("marts.fct_achievements", {"marts.fct_achievements": {"*", "is_first"}}) > 2
    assert columns("staging.stg_events", words) == len(RAW_TABLES["events"].columns)


def test_the_process_of_the_checks_answers_what_checking_here_finds(good_world: Settings, tmp_path: Path):
    settings = copy_of(good_world, tmp_path)
    try:
        for steps in (["raw"], ["staging", "marts"]):
            checks_process.ask(settings, steps, only_changed=False)
            assert checks_process.answer(settings) == run_steps(settings, steps)
    finally:
        checks_process.end(settings)


def test_what_goes_wrong_in_the_process_of_the_checks_is_told(tmp_path: Path):
    settings = Settings(home=tmp_path)
    try:
        checks_process.ask(settings, ["raw"], only_changed=False)
        with pytest.raises(GoalpostError, match=r"Checking failed: .*warehouse\.duckdb"):
            checks_process.answer(settings)
        checks_process._waiting[settings].kill()
        checks_process._waiting[settings].wait()
        checks_process.ask(settings, ["raw"], only_changed=False)
        with pytest.raises(GoalpostError, match=r"ended too early: .*checks\.log says why"):
            checks_process.answer(settings)
    finally:
        checks_process.end(settings)
