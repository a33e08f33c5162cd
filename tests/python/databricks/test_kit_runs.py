"""The programs of the kit against the mock, with stand-ins for what Unity Catalog does to a read and for `dbutils`."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Iterator, Mapping
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

import lakeflow_airtable
from databricks_bundle import KIT, merged, resolved
from lakeflow_airtable.databricks_kit import connection
from lakeflow_airtable.mock import MockAirtable
from lakeflow_airtable.specification.names import identifiers

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

INJECTION = "spark.databricks.unityCatalog.connectionDfOptionInjection.enabled"


class Utilities:
    """`dbutils`, as far as it is used: the fields of a notebook, and the secrets."""

    def __init__(self, token: str, **fields: str) -> None:
        self._fields = fields
        self.widgets = SimpleNamespace(text=self._text, get=self._fields.__getitem__)
        self.secrets = SimpleNamespace(get=lambda scope, key: {("airtable", "token"): token}[scope, key])

    def _text(self, name: str, default: str) -> None:
        self._fields.setdefault(name, default)


@pytest.fixture
def databricks(
    spark: SparkSession, mock_airtable: MockAirtable, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SparkSession]:
    """A Spark in which a read by the connection `airtable` gets the connection's options, and of its own only those
    that the kit's allow list names."""
    allowed = {name.lower() for name in connection.allow_list()}
    stored = mock_airtable.options()

    class Injected(lakeflow_airtable.AirtableDataSource):
        def __init__(self, options: Mapping[str, str]) -> None:
            given = {name.lower(): value for name, value in options.items()}
            if "token" in given:  # of a secret
                assert "databricks.connection" not in given
                super().__init__({**stored, **given})
                return
            assert given.pop("databricks.connection") == "airtable"
            super().__init__({**{name: value for name, value in given.items() if name in allowed}, **stored})

    spark.dataSource.register(Injected)
    monkeypatch.setattr(lakeflow_airtable, "register", lambda _spark: None)
    yield spark
    monkeypatch.undo()
    lakeflow_airtable.register(spark)
    spark.conf.unset(INJECTION)


def copied(databricks: SparkSession, mock: MockAirtable, arguments: list[str], tables: list[str], said: Any) -> None:
    """Runs the job twice, as jobs do, and compares the copies with the base."""
    job = runpy.run_path(str(KIT / "job.py"))
    copies = identifiers(tables)
    try:
        for _ in range(2):
            job["main"](arguments)
        printed = said.readouterr().out
        assert mock.token not in printed
        for table, copy in copies.items():
            count = len(mock.records(table))
            assert databricks.table(copy).count() == count > 0
            assert printed.count(f"{table}: {count} rows in spark_catalog.default.{copy}\n") == 2
    finally:
        for copy in copies.values():
            databricks.sql(f"DROP TABLE IF EXISTS {copy}")


def parameters() -> list[str]:
    """The job's own, into the local catalog, which has no other schemas."""
    (task,) = merged()["resources"]["jobs"]["airtable_copy"]["tasks"]
    given = [resolved(text) for text in task["spark_python_task"]["parameters"]]
    assert "--into=main.airtable_copies" in given
    return ["--into=spark_catalog.default" if text.startswith("--into") else text for text in given]


def test_the_job_copies_all_tables_under_the_names_of_a_pipeline(
    databricks: SparkSession, mock_airtable: MockAirtable, capsys: pytest.CaptureFixture[str]
) -> None:
    tables = lakeflow_airtable.Airtable(**mock_airtable.options()).list_tables()
    assert identifiers(tables)["SKU Candidates"] == "sku_candidates"
    copied(databricks, mock_airtable, parameters(), tables, capsys)
    assert databricks.conf.get(INJECTION) == "true"


def test_the_job_copies_tables_that_are_named_with_a_secret(
    databricks: SparkSession,
    mock_airtable: MockAirtable,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where serverless compute refuses the setting."""
    runtime = ModuleType("databricks.sdk.runtime")
    runtime.dbutils = Utilities(mock_airtable.token)  # type: ignore[attr-defined]
    for name, module in {"databricks.sdk": ModuleType("databricks.sdk"), "databricks.sdk.runtime": runtime}.items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(type(databricks.conf), "set", refuse)
    arguments = [text for text in parameters() if not text.startswith(("--base-id", "--secret"))]
    secret = ["--secret=airtable/token", f"--base-id={mock_airtable.base_id}"]
    copied(
        databricks,
        mock_airtable,
        [*arguments, *secret, "Vendors", "SKU Candidates"],
        ["Vendors", "SKU Candidates"],
        capsys,
    )


def refuse(*_given: object) -> None:
    raise RuntimeError("[CONFIG_NOT_AVAILABLE] Configuration is not available.")


def notebook(spark: SparkSession, utilities: Utilities) -> None:
    path = KIT / "explore.py"
    exec(compile(path.read_text(), path, "exec"), {"spark": spark, "dbutils": utilities, "__name__": "notebook"})


@pytest.mark.parametrize(
    "fields", [{"connection": "airtable"}, {"secret": "airtable/token"}], ids=["connection", "secret"]
)
def test_the_notebook_runs_from_top_to_bottom(
    fields: dict[str, str], databricks: SparkSession, mock_airtable: MockAirtable, capsys: pytest.CaptureFixture[str]
) -> None:
    notebook(databricks, Utilities(mock_airtable.token, **fields))
    shown = capsys.readouterr().out
    assert "Packaging Tasks\n" in shown
    assert "|-- _rescued_data: string" in shown
    assert "|cdc_with_deletes|" in shown
    assert mock_airtable.token not in shown


def test_the_notebook_asks_for_the_connection(databricks: SparkSession) -> None:
    with pytest.raises(ValueError, match="write the connection's name into the field `connection`"):
        notebook(databricks, Utilities("patA"))
