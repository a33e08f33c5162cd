"""Pipelines for real, of tables with linked records and files: their names and rows, and a history of files that has no
versions by addresses.

What counts is in the tables, as in `test_run.py`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from lakeflow_airtable.mock import MockAirtable
from pipeline_server import PipelineServer, project_of

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(400)]

DEFINITION = """
from pyspark.sql import SparkSession

from lakeflow_airtable import ingest

LOCATION = "{location}"


def kept(source_table, table, **configuration):
    return {{
        "table": {{
            "source_table": source_table,
            "destination_catalog": "memory",
            "destination_schema": "bronze",
            "destination_table": table,
            "table_configuration": configuration,
        }}
    }}


def history(table, **more):
    return kept(
        "Marketing Assets",
        table,
        ingestion_type="cdc",
        scd_type="SCD_TYPE_2",
        lookback_seconds="100000",
        fields=["Asset", "Files"],
        **more,
    )


stored = {{"attachments": "download", "attachment_location": LOCATION}}
ingest(
    SparkSession.active(),
    {{
        "objects": [
            history("with_addresses"),
            history("stable", attachments="stable"),
            history("stored", **stored),
            kept("Packaging Tasks", "named", fields=["Task", "Printer", "Milestone"], links="names"),
            kept("Packaging Tasks", "both", fields=["Task", "Printer"], links="both"),
            kept("Packaging Tasks", "links", fields=["Printer"], part="links"),
            kept("Marketing Assets", "files", part="attachments", fields=["Files"], **stored),
        ]
    }},
)
"""


def test_histories_of_files_and_names_of_links(tmp_path: Path, mergeable_catalog: dict[str, str]) -> None:
    location = tmp_path / "files"
    location.mkdir()
    project = project_of(tmp_path, DEFINITION.format(location=location))
    with MockAirtable() as mock, PipelineServer(tmp_path / "server", mergeable_catalog) as server:
        mock.set_faults(attachment_urls_change=True)
        assets = {record["id"]: record["fields"].get("Files", []) for record in mock.records("Marketing Assets")}
        edited, extended = [record for record, files in assets.items() if files][:2]
        server.run(project, mock)
        # Edited in a field that nobody reads; and one file more.
        mock.update_records("Marketing Assets", {edited: {"Budget": 17}})
        mock.add_attachment("Marketing Assets", extended, "Files", "more.txt", b"more")
        mock.advance_clock(600)
        mock.clear_requests()
        server.run(project, mock)
        assert mock.request_counts()["attachment"] == 1

        with server.session() as spark:
            for name in ("with_addresses", "stable", "stored"):
                versions: dict[str, int] = dict.fromkeys(assets, 0)
                for row in spark.table(f"memory.bronze.{name}").collect():
                    versions[row["id"]] += 1
                several = {record for record, count in versions.items() if count > 1}
                if name == "with_addresses":
                    assert edited in several, "what the others avoid"
                else:
                    assert several == {extended}, name
            files = spark.table("memory.bronze.files").collect()
            assert len(files) == sum(map(len, assets.values())) + 1
            assert all(Path(row["path"]).stat().st_size == row["size"] for row in files)
            # Two flows may fetch a file at the same moment, and store it once.
            assert {str(path) for path in location.rglob("*") if path.is_file()} == {row["path"] for row in files}
            names = {record["id"]: record["fields"].get("Name") for record in mock.records("Vendors")}
            named = {row["id"]: row["printer"] for row in spark.table("memory.bronze.named").collect()}
            both = {row["id"]: row["printer"] for row in spark.table("memory.bronze.both").collect()}
            links: dict[str, dict[int, str]] = {}
            for row in spark.table("memory.bronze.links").collect():
                links.setdefault(row["id"], {})[row["position"]] = row["linked_id"]
            for record in mock.records("Packaging Tasks"):
                ids = record["fields"].get("Printer")
                assert named[record["id"]] == (ids and [names[one] for one in ids])
                assert (both[record["id"]] and [tuple(one) for one in both[record["id"]]]) == (
                    ids and [(one, names[one]) for one in ids]
                )
                assert links.get(record["id"], {}) == dict(enumerate(ids or []))
