"""What `ingest` refuses, before anything is defined."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from graph_registry import Registry, Session, spec_of, table
from lakeflow_airtable import NotFoundError, OptionError, ingest
from lakeflow_airtable.mock import MockAirtable

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
        r"table_configuration\.zzz: is no key here: there are scd_type, (?:(\w+), (?!.*\b\1\b))+page_size$",
    ),
    "an unknown key of a table": (
        {"table": {"source_table": "Vendors", "zzz": 1}},
        r"table\.zzz: is no key here: there are source_table, (?:(\w+), (?!.*\b\1\b))+table_configuration$",
    ),
    "a token of its own": (
        table("Vendors", {"token": "patOther"}),
        r"^objects\[0\]\.table\.table_configuration\.token: belongs into connection_options, for all tables: give",
    ),
    "a token of its own by another name": (
        table("Vendors", {"Bearer_Token": "patOther"}),
        r"table_configuration\.token: belongs into connection_options",
    ),
    "an address of its own": (
        table("Vendors", {"base_url": "https://other.example"}),
        r"table_configuration\.base_url: belongs into connection_options",
    ),
    "two spellings of one option": (
        table("Vendors", {"max_records": 2, "MAX_RECORDS": 3}),
        r"^objects\[0\]\.table\.table_configuration\.MAX_RECORDS: stands there in another spelling, with another",
    ),
    "another source's option": (
        table("Vendors", {"limit": 10}),
        r"table_configuration\.limit: is no key here: this source calls it max_records$",
    ),
    "what no option does": (
        table("Vendors", {"sort": "Name"}),
        r"table_configuration\.sort: is no key here: it has no counterpart here: .* sort the rows",
    ),
    "a table that is not Unicode": (
        table("Ven\ud800dors"),
        r"is not valid Unicode: it has half of a surrogate pair; write the whole character$",
    ),
    "an option that is not Unicode": (
        table("Vendors", {"view": "\ud800"}),
        r"option view is not valid Unicode: ",
    ),
    "a key that is not Unicode": (
        table("Vendors", {"\ud800": 1}),
        r"table_configuration\.\ufffd+: is no key here: ",
    ),
    "another source's table": (
        table("Vendors", {"dbtable": "x"}),
        r"table_configuration\.dbtable: is no key here: source_table names the table$",
    ),
    "the table as an option by its other name": (
        table("Vendors", {"table_name": "x"}),
        r"table_configuration\.table_name: is no key here: source_table names the table$",
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
    "a destination longer than catalogs take": (
        table("Vendors", destination_table="v" * 256),
        r"destination_table: has 256 characters: it takes at most 255",
    ),
    "a schema longer than catalogs take": (
        table("Vendors", destination_schema="v" * 300),
        r"destination_schema: has 300 characters: it takes at most 255",
    ),
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
        r"APPEND_ONLY needs a stream: set ingestion_type to append, cdc, cdc_with_deletes or change_log$",
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
            {"connection_options": {"token": "patSecret", "bearer_token": "patSecretToo"}, "objects": "*"},
            r"  connection_options: options token and bearer_token are one option with two values: give one of them\n",
        ),
        (
            {"connection_options": {"token": "patSecret", "TOKEN": "patSecretToo"}, "objects": "*"},
            r"connection_options\.TOKEN: stands there in another spelling, with another value",
        ),
        (
            {"connection_options": {"token": "patSecret", "zzz": 1}, "objects": "*"},
            r"connection_options\.zzz: is no key here: there are (?:(\w+), (?!.*\b\1\b))+page_size",
        ),
        (
            {"connection_options": {"token": {"patSecret"}}, "objects": "*"},
            r"connection_options: option token is a set",
        ),
        (
            {"connection_options": {"token": "patSecret"}, "objects": "*"},
            r"^objects: neither option base_id nor option namespace is given",
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
