"""Imported once for all processes that run `sync`. Nothing is started here: they are forked from this one."""

import deltalake  # noqa: F401
import duckdb  # noqa: F401
import pyarrow.dataset
import pyarrow.parquet  # noqa: F401
import pyiceberg.catalog.sql
import pyiceberg.io.pyarrow
import pyiceberg.table  # noqa: F401

import lakeflow_airtable._native
import lakeflow_airtable.sync.schedule  # noqa: F401
