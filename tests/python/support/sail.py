"""A session of Sail: an engine without a JVM, in this process, behind Spark's own client."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lakeflow_airtable import register

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@contextmanager
def sail_session() -> Iterator[SparkSession]:
    from pysail.spark import SparkConnectServer
    from pyspark.sql import SparkSession

    server = SparkConnectServer()
    server.start(background=True)
    _, port = server.listening_address
    session = SparkSession.builder.remote(f"sc://127.0.0.1:{port}").getOrCreate()
    session.conf.set("spark.sql.session.timeZone", "UTC")
    register(session)
    yield session
    session.stop()
    server.stop()
