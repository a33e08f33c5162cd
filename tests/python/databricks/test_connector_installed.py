"""The connector as it is installed: who finds it, what it says of itself, what it holds."""

from __future__ import annotations

import json
import pickle
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

import lakeflow_airtable
from framework.installation import SITE_PACKAGES, SOURCE, install_framework, install_project
from lakeflow_airtable import AuthError, NotFoundError, OptionError, _native
from lakeflow_airtable.mock import MockAirtable
from lakeflow_airtable.options import CREDENTIALS, in_scope

PACKAGE = "databricks.labs.community_connector.sources.airtable"
# What the framework's command line lets through for every source.
ALWAYS_ALLOWED = {"tableName", "tableNameList", "tableConfigs", "isDeleteFlow"}


@pytest.fixture
def connect(framework: Callable[[str], Any]) -> Callable[[dict[str, Any]], Any]:
    make: Callable[[dict[str, Any]], Any] = framework("sources.airtable").AirtableLakeflowConnect
    return make


def python(program: str, *paths: Path) -> subprocess.CompletedProcess[str]:
    """Runs a program that can import from these directories and from no other that holds this project."""
    program = f"import sys; sys.path[:0] = {[str(path) for path in paths]}; {program}"
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)


# Which files there are, and who finds them.


def test_no_package_above_is_ours() -> None:
    above = [SITE_PACKAGES.joinpath(*SOURCE.parts[:depth], "__init__.py") for depth in range(1, len(SOURCE.parts))]
    assert [path for path in above if path.exists()] == []
    files = {path.name for path in (SITE_PACKAGES / SOURCE).iterdir() if path.is_file()}
    assert files == {
        "__init__.py",
        "_generated_airtable_python_source.py",
        "airtable.py",
        "connector_spec.yaml",
        "README.md",
    }


def test_without_the_framework_nothing_happens(tmp_path: Path) -> None:
    install_project(tmp_path)
    ran = python(
        "import lakeflow_airtable.spark; print([n for n in sys.modules if n.startswith('databricks')])", tmp_path
    )
    assert ran.stdout == "[]\n", ran.stderr
    for module in (PACKAGE, f"{PACKAGE}.airtable", f"{PACKAGE}._generated_airtable_python_source"):
        ran = python(f"import {module}", tmp_path)
        last = ran.stderr.splitlines()[-1]
        assert last.startswith("ModuleNotFoundError: this is the part of lakeflow-airtable for Databricks' community")
        assert "use lakeflow_airtable.AirtableDataSource" in last


def test_the_framework_finds_it_in_the_same_directory_only(site: Path, tmp_path: Path) -> None:
    find = "from databricks.labs.community_connector.sparkpds import find_data_source as find; print(find('airtable'))"
    assert python(find, site).stdout == f"<class '{PACKAGE}.AirtableDataSource'>\n"
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    install_project(ours)
    install_framework(theirs)
    for paths in ((ours, theirs), (theirs, ours)):
        assert "ValueError: Source 'airtable' not found" in python(find, *paths).stderr


# Each as a finder of modules that has lost one.
LOST = """
import sys
class Lost:
    def find_spec(self, name, path=None, target=None):
        if name == {name!r}:
            raise ModuleNotFoundError("No module named " + repr(name), name=name)
sys.meta_path.insert(0, Lost())
from databricks.labs.community_connector.sparkpds import find_data_source, register
try:
    {call}
except Exception as error:
    print(type(error).__name__, error)
"""


@pytest.mark.parametrize("call", ["find_data_source('airtable')", "register(None, 'airtable')"])
@pytest.mark.parametrize(
    "name", ["lakeflow_airtable", "lakeflow_airtable._native", "lakeflow_airtable.spark.stream", f"{PACKAGE}.airtable"]
)
def test_what_is_missing_is_told_and_not_that_the_source_is(site: Path, name: str, call: str) -> None:
    ran = python(f"exec({LOST.format(name=name, call=call)!r})", site)
    assert ran.stdout.startswith("ImportError the Airtable source is installed, but cannot be imported: "), ran.stderr
    assert f"No module named {name!r}: install what is missing into the environment" in ran.stdout


def test_a_framework_of_another_release_is_told(site: Path) -> None:
    ran = python(
        "import databricks.labs.community_connector.sparkpds as framework; find = framework.find_data_source; "
        "del framework.LakeflowSource; find('airtable')",
        site,
    )
    last = ran.stderr.splitlines()[-1]
    assert last.startswith("ImportError: the Airtable source is installed, but cannot be imported: cannot import name")


def test_what_is_found_is_bound_to_the_connector(framework: Callable[[str], Any]) -> None:
    found = framework("sparkpds").find_data_source("airtable")
    assert found._lakeflow_connect_cls is framework("sources.airtable.airtable").AirtableLakeflowConnect
    assert found.name() == "lakeflow_connect"
    assert pickle.loads(pickle.dumps(found)) is found
    assert issubclass(found, framework("sparkpds").LakeflowSource)


@pytest.mark.parametrize("given", [{}, {"isDeleteFlow": "false"}, {"isDeleteFlow": "true"}])
def test_what_is_found_leaves_deletes_to_their_own_flow(
    framework: Callable[[str], Any], mock_airtable: MockAirtable, given: dict[str, str]
) -> None:
    options = mock_airtable.options(tableName="Vendors", ingestion_type="cdc_with_deletes", **given)
    found = framework("sparkpds").find_data_source("airtable")(options)
    arrived = pickle.loads(pickle.dumps(found))
    assert type(arrived.lakeflow_connect) is framework("sources.airtable").AirtableLakeflowConnect
    reader = arrived.streamReader(found.schema())
    start = reader.latestOffset(reader.initialOffset())
    gone, *_ = (record["id"] for record in mock_airtable.records("Vendors"))
    (short_lived,) = mock_airtable.create_records("Vendors", [{}])
    mock_airtable.delete_records("Vendors", [gone, short_lived])
    (added,) = mock_airtable.create_records("Vendors", [{}])
    mock_airtable.advance_clock(120)
    reader.prepareForTriggerAvailableNow()
    (partition,) = reader.partitions(start, reader.latestOffset(start))
    rows = [row for batch in reader.read(partition) for row in batch.to_pylist()]
    is_delete_flow = given.get("isDeleteFlow") == "true"
    told = {row["id"]: row["_deleted"] for row in rows}
    assert told.items() >= ({gone: True} if is_delete_flow else {added: False}).items()
    assert set(told.values()) == {is_delete_flow}


def test_a_stream_of_a_snapshot_says_what_to_set(
    framework: Callable[[str], Any], connect: Callable[..., Any], mock_airtable: MockAirtable
) -> None:
    options = mock_airtable.options(tableName="Vendors")
    found = framework("sparkpds").find_data_source("airtable")(options)
    with pytest.raises(OptionError, match=r"ingestion_type is snapshot.*set it to cdc"):
        found.streamReader(found.schema())
    # As a class of the framework's own asks: in lower case, and without an end Spark's assertions fail.
    connector = connect(options)
    assert not connector.is_partitioned("Vendors")
    for read in (connector.read_table, connector.read_table_deletes):
        with pytest.raises(OptionError, match="ingestion_type is snapshot"):
            read("Vendors", {}, {name.lower(): value for name, value in options.items()})
    # A batch has no offset, and the framework's tests name no table in the options.
    for start, given in ((None, options), ({}, {})):
        assert connector.read_table("Vendors", start, given)[1] is None


def test_the_framework_registers_by_name(framework: Callable[[str], Any]) -> None:
    class Spark:
        def __init__(self) -> None:
            self.registered: list[type] = []

        @property
        def dataSource(self) -> Any:
            return type("Registration", (), {"register": staticmethod(self.registered.append)})

    spark = Spark()
    framework("sparkpds").register(spark, "airtable")
    found = framework("sparkpds").find_data_source("airtable")
    assert spark.registered == [found]
    # What registers without the framework keeps its meaning: one stream of all changes.
    lakeflow_airtable.register(spark)  # type: ignore[arg-type]
    assert spark.registered == [found, lakeflow_airtable.AirtableDataSource]
    assert lakeflow_airtable.AirtableDataSource.deletes_in_upserts
    assert not found.deletes_in_upserts


def test_pipelines_take_register_from_the_package_itself(framework: Callable[[str], Any], site: Path) -> None:
    ran = python(
        "from databricks.labs.community_connector import register as one; "
        "from databricks.labs.community_connector.sparkpds import register as other; print(one is other)",
        site,
    )
    assert ran.stdout == "True\n", ran.stderr
    with pytest.raises(TypeError, match="takes a source name"):
        framework("sparkpds").register(None, framework("sources.airtable").AirtableDataSource)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (
            {"tableName": "_community_tables", "namespace": "appX"},
            r"option 'namespace' must be a JSON-encoded list\[str\]",
        ),
        (
            {"tableName": "_community_tables", "namespace": '{"a": "appX"}'},
            r"option 'namespace' must be a JSON-encoded list\[str\]",
        ),
        ({"tableName": "_community_tables"}, "option 'namespace' is required when reading"),
        (
            {"tableName": "_community_namespaces", "namespacePrefix": "[1]"},
            r"option 'namespacePrefix' must be a JSON-encoded list\[str\]",
        ),
        (
            {"tableName": "_community_table_metadata", "tableNameList": '"Vendors"'},
            r"option 'tableNameList' must be a JSON-encoded list\[str\]",
        ),
        (
            {"tableName": "_community_table_metadata", "tableConfigs": "[]"},
            "option 'tableConfigs' must be a JSON-encoded dict",
        ),
        ({"tableName": "_community_surprise"}, "unknown framework virtual table '_community_surprise'"),
    ],
)
def test_what_the_framework_refuses_ours_refuses(
    framework: Callable[[str], Any], mock_airtable: MockAirtable, options: dict[str, str], expected: str
) -> None:
    """By the framework's own class and by ours, which stands in its place: neither reads what was not meant. Ours lists
    the tables of the connection's base where no namespace is given.
    """
    ours = framework("sparkpds").find_data_source("airtable")

    def read(source: type) -> None:
        made = source({**mock_airtable.options(), **options})
        reader = made.reader(made.schema())
        for partition in reader.partitions():
            list(reader.read(partition))

    class Converted(framework("sparkpds").LakeflowSource):  # type: ignore[misc]
        _lakeflow_connect_cls = framework("sources.airtable").AirtableLakeflowConnect

    with pytest.raises(ValueError, match=expected):
        read(Converted)
    if options == {"tableName": "_community_tables"}:
        read(ours)
        return
    with pytest.raises((ValueError, NotFoundError)):
        read(ours)


def test_the_frameworks_stream_takes_no_limit_but_all(
    framework: Callable[[str], Any], mock_airtable: MockAirtable
) -> None:
    class Converted(framework("sparkpds").LakeflowSource):  # type: ignore[misc]
        _lakeflow_connect_cls = framework("sources.airtable").AirtableLakeflowConnect

    source = Converted(mock_airtable.options(tableName="Vendors", ingestion_type="cdc"))
    reader = source.streamReader(source.schema())
    assert reader.latestOffset({}, reader.getDefaultReadLimit())
    with pytest.raises(ValueError, match="got NoneType"):
        reader.latestOffset({}, None)


# What the specification and the README say.


def test_every_option_is_a_parameter_of_the_connection_or_allowed_for_a_read() -> None:
    specification = yaml.safe_load((SITE_PACKAGES / SOURCE / "connector_spec.yaml").read_text())
    connection = specification["connection"]
    of_methods = [parameter for method in connection["auth_methods"] for parameter in method["parameters"]]
    parameters = [parameter["name"] for parameter in [*of_methods, *connection["parameters"]]]
    allowed = specification["external_options_allowlist"].split(",")
    named = parameters + allowed
    assert len(named) == len(set(named))
    table = {row["name"]: row for row in _native.option_table()}
    # The framework's command line adds the names that every source has, but not the one for browsing below a namespace.
    assert set(named) == (set(table) - ALWAYS_ALLOWED - {"refresh_token"}) | {"namespacePrefix", "table_name"}
    for parameter in [*of_methods, *connection["parameters"]]:
        is_credential = parameter["name"] in CREDENTIALS
        assert parameter["required"] == parameter.get("secret", False) == is_credential
        # As all parameters of all of the framework's sources are.
        assert parameter["type"] == "string"
        assert parameter["description"]
    assert [method["name"] for method in connection["auth_methods"]] == ["personal_access_token", "oauth"]
    addresses = {connection["oauth"][name] for name in ("authorization_url", "token_url")}
    assert addresses == {f"https://airtable.com/oauth2/v1/{name}" for name in ("authorize", "token")}


def test_the_readme_has_the_templates_sections_in_its_order() -> None:
    readme = (SITE_PACKAGES / SOURCE / "README.md").read_text()
    assert re.findall(r"^## (.+)$", readme, re.MULTILINE) == [
        "Prerequisites",
        "Setup",
        "Supported Objects",
        "Table Configurations",
        "Data Type Mapping",
        "How to Run",
        "Troubleshooting",
        "References",
    ]


def test_the_readmes_pipelines_have_each_option_where_it_is_read() -> None:
    readme = (SITE_PACKAGES / SOURCE / "README.md").read_text()
    managed, own = (
        yaml.safe_load(block)["objects"][0]["table"] for block in re.findall(r"```yaml\n(.*?)```", readme, re.DOTALL)
    )
    options = managed["connector_options"]["community_connector_options"]["options"]
    _native.Connector({"token": "patA", **options})
    assert set(options) <= set(in_scope("tables", "read", "stream"))
    # Of a managed pipeline's tables, the framework's own words alone.
    assert set(managed["table_configuration"]) == {"scd_type"}
    assert own["table_configuration"] == {**managed["table_configuration"], **options}
    for table in (managed, own):
        assert table["source_table"].startswith("tbl")
        assert table["destination_table"].isidentifier()


def test_the_readme_names_every_option_and_the_project_allows_them() -> None:
    readme = (SITE_PACKAGES / SOURCE / "README.md").read_text()
    assert [row["name"] for row in _native.option_table() if f"`{row['name']}`" not in readme] == []
    specification = yaml.safe_load((SITE_PACKAGES / SOURCE / "connector_spec.yaml").read_text())
    whole = f"tableName,tableNameList,tableConfigs,isDeleteFlow,{specification['external_options_allowlist']}"
    # As a list of its own, and in the command.
    assert f"```text\n{whole}\n```" in readme
    assert f'"externalOptionsAllowList": "{whole}"' in readme
    assert readme.count("isDeleteFlow,") == 2


# What a connector holds.


def test_a_connector_travels_and_shows_no_token(connect: Callable[..., Any], mock_airtable: MockAirtable) -> None:
    connector = connect({**mock_airtable.options(), "Ingestion_Type": "cdc"})
    schema = connector.get_table_schema("Vendors", {})
    (partition,) = connector.get_partitions("Vendors", {})
    offset = connector.latest_offset("Vendors", {})
    list(connector.read_partition("Vendors", partition, {}))
    arrived = pickle.loads(pickle.dumps(connector))
    assert arrived.get_table_schema("Vendors", {}) == schema
    assert len(list(arrived.read_partition("Vendors", partition, {}))) == len(mock_airtable.records("Vendors"))
    # The framework's class has what it was made of, and a connector that has arrived has it too.
    assert connector.options["base_id"] == arrived.options["base_id"] == mock_airtable.base_id
    shown = json.dumps([partition, offset]) + "".join(map(repr, (connector, vars(connector), vars(arrived))))
    assert "Vendors" in shown
    assert mock_airtable.token not in shown


def test_a_connector_of_oauth_shows_no_secret(connect: Callable[..., Any], mock_airtable: MockAirtable) -> None:
    access, refresh = mock_airtable.authorize("me", "a-secret-of-the-client")
    secrets = {"token": access, "refresh_token": refresh, "client_secret": "a-secret-of-the-client"}
    connector = connect({**mock_airtable.options(), **secrets, "client_id": "me"})
    mock_airtable.advance_clock(3_700)
    # The hour is over: it gets a new token.
    (partition,) = connector.get_partitions("Vendors", {})
    assert len(list(connector.read_partition("Vendors", partition, {}))) == len(mock_airtable.records("Vendors"))
    assert mock_airtable.request_counts()["oauth_token"] == 1
    shown = json.dumps(partition) + "".join(map(repr, (connector, vars(connector), connector.options)))
    assert [name for name, secret in secrets.items() if secret in shown] == []


@pytest.mark.parametrize("ingestion_type", ["snapshot", "cdc"])
def test_a_table_is_read_as_spark_was_told_that_it_is(
    connect: Callable[..., Any], mock_airtable: MockAirtable, ingestion_type: str
) -> None:
    """Columns by new names would be looked for by the old ones, and be NULL."""
    planned = connect({**mock_airtable.options(), "ingestion_type": ingestion_type})
    schema = planned.get_table_schema("Vendors", {})
    names = {record["id"]: record["fields"].get("Name") for record in mock_airtable.records("Vendors")}
    mock_airtable.rename_field("Vendors", "Name", "Company")
    arrived = pickle.loads(pickle.dumps(planned))
    (partition,) = arrived.get_partitions("Vendors", {})
    for records in (arrived.read_partition("Vendors", partition, {}), arrived.read_table("Vendors", None, {})[0]):
        assert {record["id"]: record["name"] for record in records} == names
    assert "company" in connect(mock_airtable.options()).get_table_schema("Vendors", {}).names
    assert "company" not in schema.names


def test_a_read_asks_for_the_definition_once(connect: Callable[..., Any], mock_airtable: MockAirtable) -> None:
    for options in ({}, {"ingestion_type": "cdc"}):
        mock_airtable.clear_requests()
        list(connect({**mock_airtable.options(), **options}).read_table("Vendors", None, {})[0])
        assert len([request for request in mock_airtable.requests() if "/meta/" in request["path"]]) == 1


@pytest.mark.parametrize("ingestion_type", ["cdc", "cdc_with_deletes", "append"])
def test_a_run_has_one_end_whatever_else_its_calls_ask_for(
    connect: Callable[..., Any], mock_airtable: MockAirtable, ingestion_type: str
) -> None:
    connector = connect({**mock_airtable.options(), "ingestion_type": ingestion_type})
    end = connector.latest_offset("Vendors", {}, {})
    for options in ({"page_size": "50"}, {"scd_type": "SCD_TYPE_2"}, {"tableName": "Vendors"}, {"fields": ["Name"]}):
        mock_airtable.create_records("Vendors", [{}])
        mock_airtable.advance_clock(120)
        connector.list_tables()  # an answer, which tells the time
        assert connector.latest_offset("Vendors", options, {}) == end
    vendors = next(table["id"] for table in mock_airtable.schema()["tables"] if table["name"] == "Vendors")
    assert connector.latest_offset(vendors, {}, {}) == end
    bounded = connector.latest_offset("Vendors", {"max_records_per_batch": "7"}, {})
    assert bounded != end
    # Another kind of stream, and another run, end where they are.
    if ingestion_type == "append":
        assert connector.latest_offset("Vendors", {"ingestion_type": "cdc"}, {})["until"] > end["until"]
    later = connect({**mock_airtable.options(), "ingestion_type": ingestion_type}).latest_offset("Vendors", {}, {})
    assert later != end
    # A connector that was told of less does not go back.
    assert connector.latest_offset("Vendors", {}, later) == later


def test_upserts_and_deletes_by_turns_keep_their_plans(
    connect: Callable[..., Any], mock_airtable: MockAirtable
) -> None:
    connector = connect({**mock_airtable.options(), "ingestion_type": "cdc_with_deletes"})
    flows: list[dict[str, str]] = [{}, {"isDeleteFlow": "true"}]
    schemas = [connector.get_table_schema("Vendors", flow) for flow in flows]
    ends = [connector.latest_offset("Vendors", flow, {}) for flow in flows]
    mock_airtable.rename_field("Vendors", "Name", "Company")
    mock_airtable.advance_clock(120)
    for _ in range(2):
        for flow, schema, end in zip(flows, schemas, ends, strict=True):
            assert connector.get_table_schema("Vendors", flow) == schema
            assert connector.latest_offset("Vendors", flow, {}) == end
            (partition,) = connector.get_partitions("Vendors", flow, {}, end)
            names = [column["name"] for column in json.loads(partition["scan"])["columns"]]
            assert names == schema.names


def test_a_connector_keeps_a_bounded_number_of_plans(
    framework: Callable[[str], Any], connect: Callable[..., Any], mock_airtable: MockAirtable
) -> None:
    most = framework("sources.airtable.airtable").KEPT
    connector = connect({**mock_airtable.options(requests_per_second=1000), "ingestion_type": "cdc"})
    first = connector.latest_offset("Vendors", {"page_size": "1"}, {})
    for size in range(1, most + 10):
        connector.latest_offset("Vendors", {"page_size": str(size % 100 + 1)}, {})
    assert len(connector._plans) == len(connector._streams) == most
    mock_airtable.advance_clock(120)
    assert connector.latest_offset("Vendors", {"page_size": "1"}, {}) == first
    assert len(pickle.loads(pickle.dumps(connector))._plans) == most


def test_options_are_looked_at_when_a_connector_is_made(
    connect: Callable[..., Any], mock_airtable: MockAirtable
) -> None:
    with pytest.raises(OptionError, match="token"):
        connect({"base_id": mock_airtable.base_id})
    with pytest.raises(OptionError, match="did you mean base_id"):
        connect({**mock_airtable.options(), "baseid": "x"})
    # Spark and Unity Catalog add names of their own, a pipeline the names of its configuration.
    foreign = {
        "sourceName": "airtable",
        "databricks.connection": "airtable",
        "tableConfigs": "{}",
        "scd_type": "SCD_TYPE_1",
    }
    connector = connect({**mock_airtable.options(), **foreign})
    assert mock_airtable.requests() == []
    assert connector.read_table_metadata("Vendors", {"scd_type": "SCD_TYPE_2"})["ingestion_type"] == "snapshot"
    assert connect({**mock_airtable.options(), "token": "patWrong"}) is not None
    with pytest.raises(AuthError):
        connect({**mock_airtable.options(), "token": "patWrong"}).list_tables()


def test_options_of_a_call_go_first_in_any_case(connect: Callable[..., Any], mock_airtable: MockAirtable) -> None:
    given = {name.upper(): value for name, value in mock_airtable.options(Fields='["Name"]').items()}
    connector = connect(given)
    assert connector.get_table_schema("Vendors", {}).names == ["id", "createdTime", "name", "_rescued_data"]
    options = {"FIELDS": ["Country"], "tablename": "SKU Candidates", "Rescued_Data_Column": ""}
    assert connector.get_table_schema("Vendors", options).names == ["id", "createdTime", "country"]
    records, end = connector.read_table("Vendors", None, {**options, "max_records": 3})
    assert [sorted(record) for record in records] == [["country", "createdTime", "id"]] * 3
    assert end is None


def test_metadata_of_many_tables_cost_one_request(connect: Callable[..., Any], mock_airtable: MockAirtable) -> None:
    connector = connect(mock_airtable.options())
    for table, config in (("Vendors", {}), ("Packaging Tasks", {"page_size": "50"}), ("SKU Candidates", {})):
        assert connector.read_table_metadata(table, config)["primary_keys"] == ["id"]
    assert len(mock_airtable.requests()) == 1


def test_bases_are_namespaces(connect: Callable[..., Any], mock_airtable: MockAirtable) -> None:
    base = mock_airtable.base_id
    tables = [table["name"] for table in mock_airtable.schema()["tables"]]
    options = mock_airtable.options()
    # The framework hands a connector the very option that it answers: the root is one.
    fixed = connect({**options, "namespace": "[]"})
    assert fixed.list_namespaces() == []
    for namespace in ([], None, [base], [mock_airtable.bases[base]]):
        assert fixed.list_tables_in_namespace(namespace) == tables
    for namespace in ("[]", "", json.dumps([base]), base, mock_airtable.bases[base]):
        assert connect({**options, "namespace": namespace}).list_tables() == tables
    other = next(other for other in mock_airtable.bases if other != base)
    with pytest.raises(OptionError, match=f"base_id fixes the base {base}"):
        fixed.list_tables_in_namespace([other])
    del options["base_id"]
    every = connect({**options, "namespace": "[]", "tableName": "_community_tables"})
    assert (
        sorted(every.list_namespaces()) == sorted(every.list_namespaces([])) == sorted([b] for b in mock_airtable.bases)
    )
    assert every.list_namespaces([base]) == []
    assert every.list_tables_in_namespace([]) == every.list_tables_in_namespace(None) == []
    assert every.list_tables_in_namespace([base]) == tables
    with pytest.raises(OptionError, match="must name one base"):
        every.list_tables_in_namespace([base, "deeper"])
    with pytest.raises(NotFoundError):
        every.list_tables_in_namespace(["No such base"])
    one = connect({**options, "namespace": json.dumps([base])})
    assert one.list_tables() == tables
    assert one.get_table_schema("Vendors", {}) == fixed.get_table_schema("Vendors", {"namespace": json.dumps([base])})


def test_without_a_base_the_tables_of_all_bases_are_listed(
    connect: Callable[..., Any], mock_airtable: MockAirtable
) -> None:
    options = mock_airtable.options()
    del options["base_id"]
    definition = [{"name": "Name", "type": "singleLineText"}]
    mock_airtable.create_base(
        "Another", [{"name": "Vendors", "fields": definition}, {"name": "Own", "fields": definition}]
    )
    closed = mock_airtable.create_base("Closed", [{"name": "Secret", "fields": definition}])
    mock_airtable.set_permission("none", base=closed)
    there = [
        table for base in mock_airtable.bases if base != closed for table in mock_airtable.schema(base=base)["tables"]
    ]
    names = [table["name"] for table in there]
    expected = [table["id"] if names.count(table["name"]) > 1 else table["name"] for table in there]
    assert names.count("Vendors") > 1
    for namespace in ({}, {"namespace": "[]"}, {"namespace": " [ ] "}):
        assert connect({**options, **namespace}).list_tables() == expected
    assert [closed] not in connect(options).list_namespaces()


@pytest.mark.parametrize("is_fixed", [True, False])
def test_both_sources_list_tables_for_any_sensible_namespace(
    framework: Callable[[str], Any], mock_airtable: MockAirtable, is_fixed: bool
) -> None:
    base = mock_airtable.base_id
    tables = sorted(table["name"] for table in mock_airtable.schema()["tables"])
    root = tables if is_fixed else []
    for source in (framework("sparkpds").find_data_source("airtable"), lakeflow_airtable.AirtableDataSource):

        def rows(source: Any = source, **more: str) -> list[tuple[Any, ...]]:
            found = source(
                mock_airtable.options(tableName="_community_tables", base_id=base if is_fixed else "", **more)
            )
            return list(found.reader(found.schema()).read(None))

        assert rows(namespace="[]") == [([], table) for table in root]
        assert rows(namespace=json.dumps([base])) == [([base], table) for table in tables]
        assert rows(namespace=base) == [([base], table) for table in tables]
        name = mock_airtable.bases[base]
        assert rows(namespace=json.dumps([name])) == [([name], table) for table in tables]
        if is_fixed:
            assert rows() == [([], table) for table in tables]
        else:
            with pytest.raises(OptionError, match="needs option namespace"):
                rows()
        with pytest.raises(OptionError, match="must name one base"):
            rows(namespace=json.dumps([base, "deeper"]))


@pytest.mark.parametrize("ingestion_type", ["snapshot", "cdc", "append"])
def test_only_one_kind_of_ingestion_knows_of_deletes(
    connect: Callable[..., Any], mock_airtable: MockAirtable, ingestion_type: str
) -> None:
    connector = connect({**mock_airtable.options(), "ingestion_type": ingestion_type})
    with pytest.raises(OptionError, match="only cdc_with_deletes knows of deletes"):
        connector.read_table_deletes("Vendors", {}, {})
