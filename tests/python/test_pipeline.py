"""`ingest` at the time when a graph is defined: what it refuses, what it calls things, what it defines where."""

from __future__ import annotations

import logging
import re
import sys
import unicodedata
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
from pyspark.pipelines.graph_element_registry import graph_element_registration_context
from pyspark.pipelines.output import MaterializedView, StreamingTable, TemporaryView

from conftest import PROJECT
from graph_registry import Registry, Session, spec_of, table
from lakeflow_airtable import Airtable, NotFoundError, OptionError, environment, ingest
from lakeflow_airtable.mock import MockAirtable
from lakeflow_airtable.options import OF_CONNECTION, Options
from lakeflow_airtable.pipeline.names import LONGEST, identifier, identifiers, quoted, view_name
from lakeflow_airtable.pipeline.tables import CURSOR, DELETED, PRIMARY_KEYS

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for option in environment.OPTIONS:
        monkeypatch.delenv(environment.variable(option), raising=False)


@pytest.fixture
def registry() -> Iterator[Registry]:
    registry = Registry()
    with graph_element_registration_context(registry):
        yield registry


# What is refused.

FAULTS: dict[str, tuple[object, str]] = {
    "a misspelt key of the target": (
        {"table": {"source_table": "Vendors", "scd_typ": "SCD_TYPE_2"}},
        r"^objects\[0\]\.table\.scd_typ: is no key here: did you mean table_configuration\.scd_type\?$",
    ),
    "a misspelt key of the table": (
        table("Vendors", destination_tabel="v"),
        r"^objects\[0\]\.table\.destination_tabel: .* did you mean destination_table\?$",
    ),
    "a misspelt option": (
        table("Vendors", {"filter_formla": "1"}),
        r"^objects\[0\]\.table\.table_configuration\.filter_formla: .* did you mean filter_formula\?$",
    ),
    "an unknown option": (
        table("Vendors", {"zzz": 1}),
        r"table_configuration\.zzz: is no key here: there are scd_type, ",
    ),
    "no table": ({"tables": {}}, r"objects\[0\]\.tables: .* did you mean table\?\n.*objects\[0\]: has no table"),
    "no dict": (5, r"^objects\[0\]: is of type int: it takes a dict"),
    "no name": (table(None), r"^objects\[0\]\.table\.source_table: is missing: "),
    "an empty name": (table(" "), r"^objects\[0\]\.table\.source_table: is empty: it takes a text$"),
    "a name that is none": (
        table(["Vendors"]),
        r"^objects\[0\]\.table\.source_table: is of type list: it takes a text$",
    ),
    "a configuration that is none": (table("Vendors", "x"), r"table_configuration: is of type str: it takes a dict"),
    "a catalog alone": (table("Vendors", destination_catalog="c"), r"destination_catalog: needs destination_schema"),
    "an unknown SCD type": (
        table("Vendors", {"scd_type": "2"}),
        r"scd_type: is none of SCD_TYPE_1, SCD_TYPE_2, APPEND_ONLY",
    ),
    "keys that are no list": (
        table("Vendors", {"primary_keys": {"id": 1}}),
        r"primary_keys: takes a list of column names",
    ),
    "a value that no option has": (
        table("Vendors", {"page_size": 1000}),
        r'^objects\[0\]\.table: option page_size is "1000": it takes a whole number from 1 to 100$',
    ),
    "a value that is no text": (table("Vendors", {"view": object()}), r"table_configuration: option view is a object"),
    "an unknown ingestion type": (table("Vendors", {"ingestion_type": "full"}), r"one of snapshot, cdc, "),
    "the table as an option": (table("Vendors", {"tableName": "x"}), r"table_configuration\.tablename: is no key here"),
    "an unknown field": (table("Vendors", {"fields": ["Nam"]}), r'no such field; did you mean "Name"\?$'),
    "an unknown column": (table("Vendors", {"cluster_by": "nam"}), r"cluster_by has 'nam', .* did you mean name\?$"),
    "a column that the target does not get": (
        table("Vendors", {"ingestion_type": "cdc", "scd_type": "SCD_TYPE_2", "cluster_by": ["_changed_at"]}),
        r"cluster_by has '_changed_at', which is no column",
    ),
    "an unknown table": (table("Vendor"), r'^objects\[0\]\.table: table "Vendor": .* did you mean "Vendors"\?$'),
    "a pattern of nothing": (
        table("Z*"),
        r"^objects\[0\]\.table\.source_table: no table of the base matches 'Z\*': there are ",
    ),
    "a name for several": (
        table("V*", destination_table="v"),
        r"'V\*' is a pattern, and destination_table names one table",
    ),
    "history of what is read once": (
        table("Vendors", {"ingestion_type": "append", "scd_type": "SCD_TYPE_2"}),
        r"SCD_TYPE_2 keeps the versions of a record, and append gives each record once: set ingestion_type to cdc",
    ),
    "a stream of snapshots": (
        table("Vendors", {"ingestion_type": "snapshot", "scd_type": "APPEND_ONLY"}),
        r"APPEND_ONLY needs a stream: set ingestion_type to append, cdc or cdc_with_deletes$",
    ),
    "history of snapshots on this Spark": (
        table("Vendors", {"scd_type": "SCD_TYPE_2"}),
        r"needs AUTO CDC from snapshots, which this Spark's pipelines do not have: set ingestion_type to cdc",
    ),
    "a sequence of snapshots": (
        table("Vendors", {"sequence_by": "name"}),
        r"sequence_by has an effect on changes only",
    ),
    "other keys for deletes": (
        table("Vendors", {"ingestion_type": "cdc_with_deletes", "primary_keys": ["name"]}),
        r"primary_keys can only be id with cdc_with_deletes",
    ),
    "another sequence for deletes": (
        table("Vendors", {"ingestion_type": "cdc_with_deletes", "sequence_by": "changed"}),
        r"sequence_by can only be _changed_at with cdc_with_deletes",
    ),
    "a stream that stops": (table("Vendors", {"ingestion_type": "cdc", "max_records": 5}), r"max_records_per_batch"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults(fault: str, mock_airtable: MockAirtable, registry: Registry) -> None:
    given, message = FAULTS[fault]
    with pytest.raises((OptionError, NotFoundError), match=message) as caught:
        ingest(Session(), spec_of(mock_airtable, given))  # type: ignore[arg-type]
    assert registry.outputs == {}
    assert mock_airtable.token not in str(caught.value)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ([], r"^pipeline_spec: is of type list: it takes a dict"),
        ({"objects": "*"}, r"^connection_name: is missing, and so is a token: "),
        (
            {"object": "*", "connection_name": "a"},
            r"^pipeline_spec has 2 faults\n  object: .* did you mean objects\?\n  objects: give",
        ),
        ({"connection_name": "a", "objects": "all"}, r"^objects: give a list "),
        ({"connection_name": "a", "objects": []}, r"^objects: give a list "),
        ({"connection_name": 5, "objects": "*"}, r"connection_name: is of type int: it takes a text"),
        (
            {"connection_name": "a", "connection_options": {"token": "patSecret"}, "objects": "*"},
            r"connection_options: is of no use with connection_name",
        ),
        (
            {"connection_options": {"tokn": "patSecret"}, "objects": "*"},
            r"connection_options\.tokn: .* did you mean token\?",
        ),
        (
            {"connection_options": {"token": {"patSecret"}}, "objects": "*"},
            r"connection_options: option token is a set",
        ),
        (
            {"connection_options": {"token": "patSecret"}, "objects": "*"},
            r"^objects: neither base_id nor namespace is given",
        ),
        (
            {
                "connection_options": {"token": "patSecret", "base_id": "patSecretABCDEFGH.0123456789abcdef"},
                "objects": "*",
            },
            r"base_id holds what looks like a token",
        ),
    ],
)
def test_faults_of_the_whole(spec: Any, message: str, registry: Registry) -> None:
    with pytest.raises(OptionError, match=message) as caught:
        ingest(Session(), spec)  # type: ignore[arg-type]
    assert "patSecret" not in str(caught.value)


def test_all_faults_are_said_at_once(mock_airtable: MockAirtable, registry: Registry) -> None:
    objects = [
        table("Vendor", {"sequence_by": "name"}),
        table("Vendors", {"scd_type": "x", "filter_formla": 1}),
        table("Compliance Records", destination_table="vendors"),
        table("Vendors", {"ingestion_type": "append", "scd_type": "SCD_TYPE_2"}, destination_table="log"),
    ]
    with pytest.raises(OptionError) as caught:
        ingest(Session(), spec_of(mock_airtable, *objects))  # type: ignore[arg-type]
    lines = str(caught.value).splitlines()
    assert lines[0] == "pipeline_spec has 6 faults"
    assert [line.split(": ")[0].strip() for line in lines[1:]] == [
        "objects[1].table.table_configuration.filter_formla",
        "objects[1].table.table_configuration.scd_type",
        "objects[0].table",
        "objects[2].table",
        "objects[0].table",
        "objects[3].table",
    ]
    with pytest.raises(NotFoundError, match="2 faults"):
        ingest(Session(), spec_of(mock_airtable, table("Vendor"), table("Z*")))  # type: ignore[arg-type]
    assert registry.outputs == {}


def test_equal_destinations_are_refused(mock_airtable: MockAirtable, registry: Registry) -> None:
    archive = {"namespace": ["Launch Archive"]}
    with pytest.raises(
        OptionError, match=r"^objects\[1\]\.table: writes to vendors, as objects\[0\]\.table does: give one"
    ):
        ingest(Session(), spec_of(mock_airtable, table("Vendors"), table("Vendors", archive)))  # type: ignore[arg-type]
    here = table("Vendors", destination_schema="s", destination_table="A")
    there = table("Vendors", archive, destination_schema="S", destination_table="a")
    with pytest.raises(OptionError, match=r"writes to S\.a, as "):
        ingest(Session(), spec_of(mock_airtable, here, there))  # type: ignore[arg-type]


def test_other_failures_are_themselves(mock_airtable: MockAirtable, registry: Registry) -> None:
    mock_airtable.set_faults(rules=[{"path": "/v0/meta", "action": "unauthorized"}])
    with pytest.raises(PermissionError):
        ingest(Session(), spec_of(mock_airtable, table("Vendors")))  # type: ignore[arg-type]


def test_without_pipelines_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyspark.pipelines", None)
    monkeypatch.delattr("pyspark.pipelines", raising=False)
    with pytest.raises(
        ModuleNotFoundError, match=r"pip install 'lakeflow-airtable\[spark\]' 'pyspark\[pipelines\]>=4.1'"
    ):
        ingest(Session(), {})  # type: ignore[arg-type]


# Names.


@pytest.mark.parametrize(
    "name",
    ["SKU Code (#)", "  Unit  Cost ", "% of Sales", "R&D", "Vendor's Name", "2025 Plan", "a/b\\c{d}`e`", "Café", "A.b"],
)
def test_a_table_is_called_as_a_column_would_be(name: str) -> None:
    with MockAirtable(sample=False) as mock:
        mock.create_base("Names", [{"name": "Names", "fields": [{"name": "Name"}, {"name": name}]}])
        column = Airtable(**mock.options()).schema("Names").names[3]
    plain = unicodedata.normalize("NFKD", column).encode("ascii", "ignore").decode()
    assert identifier(name) == plain


def test_default_names_are_legal_and_apart() -> None:
    names = [
        "Größe",
        "名前",
        "名前 2",
        "🚀",
        "🚀🚀",
        "x" * 300,
        "x" * 301,
        "Vendors",
        "A b",
        "a-B",
        "`; DROP TABLE x",
        "Ünïcode",
    ]
    chosen = identifiers(names)
    assert len(set(chosen.values())) == len(names)
    for short in chosen.values():
        assert re.fullmatch(r"[a-z0-9_]+", short), short
        assert len(short) <= LONGEST + 20
    # Written down: another name tomorrow would be another table.
    assert chosen["Größe"] == "grosse"
    assert chosen["🚀"] == "table_ebbc0b28"
    assert chosen["A b"].startswith("a_b_")
    assert identifiers(reversed(names)) == chosen
    assert identifiers(["A b"]) == {"A b": "a_b"}


def test_names_as_spark_reads_them() -> None:
    assert quoted(["main", "bronze", "vendors"]) == "main.bronze.vendors"
    assert quoted(["main", "2025", "a`b.c"]) == "main.`2025`.`a``b.c`"
    assert quoted(["größe"]) == "`größe`"


def test_views_of_different_tables_have_different_names() -> None:
    destinations = [("vendors",), ("Vendors x",), ("a", "b_c"), ("a_b", "c"), ("a", "b", "c"), ("größe",), ("gr_e",)]
    names = {view_name(destination, "changes") for destination in destinations}
    assert len(names) == len(destinations)
    assert "source_vendors_changes" in names
    assert all(re.fullmatch(r"[a-z0-9_]+", name) for name in names)


# What is defined on open-source Spark.


def test_keys_and_cursor_are_those_of_the_library(mock_airtable: MockAirtable) -> None:
    base = Airtable(**mock_airtable.options())
    metadata = base.metadata("Vendors", ingestion_type="cdc")
    assert (tuple(metadata["primary_keys"]), metadata["cursor_field"]) == (PRIMARY_KEYS, CURSOR)
    assert DELETED in base.schema("Vendors", ingestion_type="cdc").names


def test_every_table_of_the_base(mock_airtable: MockAirtable, registry: Registry) -> None:
    spec = {"connection_options": mock_airtable.options(), "objects": "*"}
    defined = ingest(Session(), spec)  # type: ignore[arg-type]
    assert [one.source_table for one in defined] == Airtable(**mock_airtable.options()).list_tables()
    assert [one.destination for one in defined] == list(registry.outputs) == list(registry.flows)
    assert registry.outputs["sku_candidates"].comment == "Airtable table SKU Candidates"
    assert all(isinstance(output, MaterializedView) for output in registry.outputs.values())
    assert mock_airtable.request_counts() == {"get_schema": 2}


def test_a_table_goes_to_the_entry_that_names_it(mock_airtable: MockAirtable, registry: Registry) -> None:
    objects = [
        table("*", destination_schema="rest"),
        table("tblMockVendors006", {"scd_type": "APPEND_ONLY"}, destination_table="vendors"),
        table("Compliance Records", destination_table="checks"),
        table("Ma*", destination_schema="never"),
        table("*", {"base_id": "appMockArchive002"}, destination_schema="archive"),
    ]
    defined = ingest(Session(), spec_of(mock_airtable, *objects))  # type: ignore[arg-type]
    assert {one.destination: one.flow for one in defined} == {
        "rest.sku_candidates": "materialized_view",
        "rest.launch_milestones": "materialized_view",
        "rest.packaging_tasks": "materialized_view",
        "rest.marketing_assets": "materialized_view",
        "vendors": "append",
        "checks": "materialized_view",
        "archive.vendors": "materialized_view",
        "archive.notes": "materialized_view",
    }


def test_a_table_whose_name_looks_like_a_pattern(registry: Registry) -> None:
    with MockAirtable(sample=False) as mock:
        fields = [{"name": "Name"}]
        tables = [{"name": name, "fields": fields} for name in ("What now?", "What nowx", "A b", "a-b")]
        mock.create_base("Names", tables)
        defined = ingest(Session(), spec_of(mock, table("What now?")))  # type: ignore[arg-type]
        assert [(one.source_table, one.destination) for one in defined] == [("What now?", "what_now")]
        defined = ingest(Session(), spec_of(mock, table("[Aa]?b")))  # type: ignore[arg-type]
        assert {one.source_table for one in defined} == {"A b", "a-b"}
        assert all(re.fullmatch(r"a_b_[0-9a-f]{8}", one.destination) for one in defined)


def test_changes_become_one_flow_of_auto_cdc(mock_airtable: MockAirtable, registry: Registry) -> None:
    objects = [
        table("Vendors", {"ingestion_type": "cdc"}),
        table("Vendors", {"ingestion_type": "CDC_with_deletes", "cluster_by": '["name"]'}, destination_table="d"),
        table("Vendors", {"ingestion_type": "cdc_with_deletes", "scd_type": "scd_type_2"}, destination_table="h"),
        table(
            "Vendors",
            {"ingestion_type": "cdc", "primary_keys": "name", "sequence_by": "changed"},
            destination_table="n",
        ),
        table("Vendors", {"ingestion_type": "cdc", "scd_type": "APPEND_ONLY"}, destination_table="log"),
    ]
    session = Session()
    defined = {one.destination: one for one in ingest(session, spec_of(mock_airtable, *objects))}  # type: ignore[arg-type]
    assert [one.flow for one in defined.values()] == ["auto_cdc"] * 4 + ["append"]
    assert set(registry.auto_cdc) == {"vendors", "d", "h", "n"}

    def columns(found: Any) -> list[str]:
        return [str(column) for column in found or []]

    plain, deletes, history, other = (registry.auto_cdc[name] for name in ("vendors", "d", "h", "n"))
    assert columns(plain.keys) == ["Column<'id'>"]
    assert (str(plain.sequence_by), plain.apply_as_deletes) == ("Column<'_changed_at'>", None)
    assert columns(plain.except_column_list) == ["Column<'_deleted'>"]
    assert (plain.stored_as_scd_type, history.stored_as_scd_type) == (1, 2)
    assert str(deletes.apply_as_deletes) == str(history.apply_as_deletes) == "Column<'_deleted'>"
    assert columns(history.except_column_list) == ["Column<'_deleted'>", "Column<'_changed_at'>"]
    assert (columns(other.keys), str(other.sequence_by)) == (["Column<'name'>"], "Column<'changed'>")
    target = registry.outputs["d"]
    assert isinstance(target, StreamingTable)
    assert target.cluster_by == ["name"]
    for name, flow in registry.auto_cdc.items():
        assert flow.source == defined[name].view
        assert isinstance(registry.outputs[flow.source], TemporaryView)
        assert list(registry.flows[flow.source].target) == list(flow.source)
    assert registry.flows["source_log_append"].target == "log"


def test_each_flow_reads_its_own_entry(spark: SparkSession, mock_airtable: MockAirtable, registry: Registry) -> None:
    objects = [table("*"), table("Vendors", {"fields": ["Name"], "ingestion_type": "cdc"}), table("Packaging Tasks")]
    defined = ingest(spark, spec_of(mock_airtable, *objects, nested="json"))
    base = Airtable(**mock_airtable.options(), nested="json")  # type: ignore[arg-type]
    for one in defined:
        frame = registry.flows[one.view or one.destination].func()
        if one.source_table == "Vendors":
            assert frame.isStreaming
            assert frame.columns == ["id", "createdTime", "name", "_rescued_data", "_changed_at", "_deleted"]
        else:
            assert not frame.isStreaming
            assert frame.columns == base.schema(one.source_table).names
            assert frame.count() == len(mock_airtable.records(one.source_table))
        assert mock_airtable.token not in f"{frame} {one}"


def test_the_token_is_in_no_option_of_a_flow(mock_airtable: MockAirtable, registry: Registry) -> None:
    session = Session()
    mock_airtable.add_token("patMockOther.0001")
    other = {"bearer_token": "patMockOther.0001", "namespace": "Launch Archive"}
    objects = [table("Vendors"), table("Compliance Records"), table("Vendors", other, destination_table="archive")]
    ingest(session, spec_of(mock_airtable, *objects))  # type: ignore[arg-type]
    for flow in registry.flows.values():
        flow.func()
    first, _, third = session.reads
    assert "pat" not in str(session.reads)
    formats = ["airtable_to_vendors", "airtable_to_compliance_records", "airtable_to_archive"]
    assert [read["format"] for read in session.reads] == formats
    assert [first["base_id"], third["namespace"]] == [mock_airtable.base_id, "Launch Archive"]
    assert "base_id" not in third
    assert [source.name() for source in session.registered] == ["lakeflow_connect", *formats]
    source = session.registered[1](Options.from_values(first))
    assert source.options["token"] == mock_airtable.token
    assert mock_airtable.token not in repr(source.options)


# What is defined elsewhere: with stand-ins that have another Spark's functions.


class StandIn(ModuleType):
    """A `pyspark.pipelines` that has the named functions, and keeps their calls."""

    def __init__(self, **functions: Callable[..., object]) -> None:
        super().__init__("pyspark.pipelines")
        self.calls: list[tuple[str, dict[str, Any]]] = []
        for name, like in functions.items():
            setattr(self, name, self._recording(name, like))

    def _recording(self, name: str, like: Callable[..., object]) -> Callable[..., object]:
        import functools

        @functools.wraps(like)
        def record(*arguments: object, **keywords: Any) -> object:
            like(*arguments, **keywords)  # refuses what the real one does not take
            self.calls.append((name, keywords))
            return lambda query: keywords.setdefault("query", query)

        return record


def view(*, name: str, comment: object = None, spark_conf: object = None) -> None: ...
def create_streaming_table(
    name: str, comment: object = None, cluster_by: object = None, schema: object = None, table_properties: object = None
) -> None: ...
def append_flow(*, target: str, name: object = None, once: bool = False) -> None: ...
def apply_changes(
    target: str,
    source: str,
    keys: list[str],
    sequence_by: str,
    ignore_null_updates: bool = False,
    apply_as_deletes: object = None,
    apply_as_truncates: object = None,
    column_list: object = None,
    except_column_list: object = None,
    stored_as_scd_type: object = 1,
    track_history_column_list: object = None,
    track_history_except_column_list: object = None,
    name: object = None,
    once: bool = False,
) -> None: ...
def apply_changes_from_snapshot(
    target: str,
    source: str,
    keys: list[str],
    stored_as_scd_type: object = 1,
    track_history_column_list: object = None,
    track_history_except_column_list: object = None,
) -> None: ...
def materialized_view(*, name: str, comment: object = None) -> None: ...
def auto_cdc_without_history(
    target: str,
    source: str,
    keys: list[str],
    sequence_by: str,
    apply_as_deletes: object = None,
    column_list: object = None,
    except_column_list: object = None,
    stored_as_scd_type: object = None,
    name: object = None,
) -> None: ...


COMMON = {"create_streaming_table": create_streaming_table, "append_flow": append_flow}
OLD_NAMES = {"view": view, "apply_changes": apply_changes, "apply_changes_from_snapshot": apply_changes_from_snapshot}
NEW_NAMES = {
    "temporary_view": view,
    "create_auto_cdc_flow": apply_changes,
    "create_auto_cdc_from_snapshot_flow": apply_changes_from_snapshot,
    "materialized_view": materialized_view,
    **OLD_NAMES,
}


@pytest.fixture
def pipelines(monkeypatch: pytest.MonkeyPatch) -> Callable[..., StandIn]:
    def put(**functions: Callable[..., object]) -> StandIn:
        import pyspark

        stand_in = StandIn(**COMMON, **functions)
        monkeypatch.setitem(sys.modules, "pyspark.pipelines", stand_in)
        monkeypatch.setattr(pyspark, "pipelines", stand_in, raising=False)
        return stand_in

    return put


@pytest.mark.parametrize(
    ("functions", "names"),
    [
        (OLD_NAMES, ("view", "apply_changes", "apply_changes_from_snapshot")),
        (NEW_NAMES, ("temporary_view", "create_auto_cdc_flow", "create_auto_cdc_from_snapshot_flow")),
    ],
)
def test_on_databricks(
    functions: dict[str, Callable[..., object]], names: tuple[str, str, str], pipelines: Callable[..., StandIn]
) -> None:
    stand_in = pipelines(**functions)
    session = Session()
    spec = {
        "connection_name": "airtable",
        "objects": [
            table("Vendors", {"scd_type": "SCD_TYPE_2"}, destination_catalog="main", destination_schema="raw data"),
            table("SKU Candidates", {"ingestion_type": "cdc_with_deletes", "namespace": "appX", "page_size": 50}),
            table("Notes", {"ingestion_type": "append"}),
        ],
    }
    defined = ingest(session, spec)  # type: ignore[arg-type]
    assert [one.flow for one in defined] == ["auto_cdc_from_snapshot", "auto_cdc", "append"]
    view, auto_cdc, from_snapshot = names
    queries = [keywords.pop("query") for _, keywords in stand_in.calls if "query" in keywords]
    snapshot_view = view_name(("main", "raw data", "vendors"), "snapshot")
    assert stand_in.calls == [
        ("create_streaming_table", {"name": "main.`raw data`.vendors", "comment": "Airtable table Vendors"}),
        (view, {"name": snapshot_view}),
        (
            from_snapshot,
            {"target": "main.`raw data`.vendors", "source": snapshot_view, "keys": ["id"], "stored_as_scd_type": 2},
        ),
        ("create_streaming_table", {"name": "sku_candidates", "comment": "Airtable table SKU Candidates"}),
        (view, {"name": "source_sku_candidates_changes"}),
        (
            auto_cdc,
            {
                "target": "sku_candidates",
                "source": "source_sku_candidates_changes",
                "keys": ["id"],
                "stored_as_scd_type": 1,
                "sequence_by": "_changed_at",
                "apply_as_deletes": "_deleted",
                "except_column_list": ["_deleted"],
            },
        ),
        ("create_streaming_table", {"name": "notes", "comment": "Airtable table Notes"}),
        ("append_flow", {"target": "notes", "name": "source_notes_append"}),
    ]
    # Nothing was read while the graph was defined, and reads name the connection.
    assert session.reads == []
    for query in queries:
        query()
    connection = {"format": "lakeflow_connect", "databricks.connection": "airtable"}
    assert session.reads == [
        {"kind": "read", "tablename": "Vendors", "ingestion_type": "snapshot", **connection},
        {
            "kind": "readStream",
            "tablename": "SKU Candidates",
            "ingestion_type": "cdc_with_deletes",
            "namespace": "appX",
            "page_size": "50",
            **connection,
        },
        {"kind": "readStream", "tablename": "Notes", "ingestion_type": "append", **connection},
    ]
    assert [source.name() for source in session.registered] == ["lakeflow_connect"]


def test_patterns_of_a_connection_are_listed_by_spark(pipelines: Callable[..., StandIn]) -> None:
    pipelines(**NEW_NAMES)
    session = Session(tables=["Notes", "Vendors"])
    objects = [table("*", {"namespace": ["appX"], "page_size": 5}), table("Other", {"namespace": ["appX"]})]
    defined = ingest(session, {"connection_name": "airtable", "objects": objects})  # type: ignore[arg-type]
    assert [one.destination for one in defined] == ["notes", "vendors", "other"]
    assert session.reads == [
        {
            "kind": "read",
            "format": "lakeflow_connect",
            "databricks.connection": "airtable",
            "namespace": '["appX"]',
            "tableName": "_community_tables",
        }
    ]


def test_values_are_checked_without_the_connections_options(pipelines: Callable[..., StandIn]) -> None:
    stand_in = pipelines(**NEW_NAMES)
    objects = [table("A", {"page_size": 1000}), table("B", {"page_size": 50}), table("C", {"nested": "xml"})]
    with pytest.raises(OptionError, match=r"2 faults\n.*page_size.*\n.*nested"):
        ingest(Session(), {"connection_name": "airtable", "objects": objects})  # type: ignore[arg-type]
    assert stand_in.calls == []


@pytest.mark.parametrize("name", OF_CONNECTION)
def test_what_is_the_connections_alone_is_refused(name: str, pipelines: Callable[..., StandIn]) -> None:
    stand_in = pipelines(**NEW_NAMES)
    objects = [table("A", {name.upper(): "appXXXXXXXXXXXXXX" if name == "base_id" else "5"})]
    with pytest.raises(OptionError, match=rf"table_configuration\.{name}: is the connection's alone") as caught:
        ingest(Session(), {"connection_name": "airtable", "objects": objects})  # type: ignore[arg-type]
    is_quoted = f"\n{caught.value}\n" in (PROJECT / "docs" / "from-repos-to-wheel.md").read_text()
    assert is_quoted == (name == "base_id"), "the guide tells of the one that people try"
    assert stand_in.calls == []


def test_a_spark_without_auto_cdc(
    mock_airtable: MockAirtable, pipelines: Callable[..., StandIn], caplog: pytest.LogCaptureFixture
) -> None:
    stand_in = pipelines(temporary_view=view, materialized_view=materialized_view)
    with pytest.raises(
        OptionError, match=r"cdc needs AUTO CDC, which .*: set ingestion_type to snapshot or append, or scd_type"
    ):
        ingest(Session(), spec_of(mock_airtable, table("Vendors", {"ingestion_type": "cdc"})))  # type: ignore[arg-type]
    with pytest.raises(OptionError, match=r"SCD_TYPE_2 of snapshots needs .*: take SCD_TYPE_1$"):
        ingest(Session(), spec_of(mock_airtable, table("Vendors", {"scd_type": "SCD_TYPE_2"})))  # type: ignore[arg-type]
    assert stand_in.calls == []
    # What this Spark does not take is left out, and said.
    with caplog.at_level(logging.WARNING, "lakeflow_airtable"):
        ingest(Session(), spec_of(mock_airtable, table("Vendors", {"cluster_by": ["name"]})))  # type: ignore[arg-type]
    assert [name for name, _ in stand_in.calls] == ["materialized_view"]
    assert "vendors: cluster_by is left out" in caplog.text


def test_a_spark_whose_auto_cdc_keeps_no_history(
    mock_airtable: MockAirtable, pipelines: Callable[..., StandIn]
) -> None:
    functions = {"temporary_view": view, "create_auto_cdc_flow": auto_cdc_without_history}
    stand_in = pipelines(**functions, materialized_view=materialized_view)
    history = {"ingestion_type": "cdc", "scd_type": "SCD_TYPE_2"}
    with pytest.raises(OptionError, match=r"SCD_TYPE_2 needs AUTO CDC that keeps history, .*: take SCD_TYPE_1$"):
        ingest(Session(), spec_of(mock_airtable, table("Vendors", history)))  # type: ignore[arg-type]
    ingest(Session(), spec_of(mock_airtable, table("Vendors", {"ingestion_type": "cdc"})))  # type: ignore[arg-type]
    assert [name for name, _ in stand_in.calls] == ["create_streaming_table", "temporary_view", "create_auto_cdc_flow"]
