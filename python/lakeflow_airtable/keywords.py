"""The options as keywords with types, for type checkers and editors: nothing here is needed while a program runs.

`tools/keywords.py` writes them from the one table of options: name, type, meaning and default. Numbers may be
given as text too, as configuration files and Spark have them. None is as good as not given.
"""

from __future__ import annotations

from os import PathLike
from typing import Literal, TypedDict


class AccessKeywords(TypedDict, total=False):
    """As whom, and to which base."""

    token: str | None
    """Personal access token or OAuth access token."""

    base_id: str | None
    """The base's id, `app...`, or its web address; without it each read names its base by `namespace`."""


class ConnectionKeywords(TypedDict, total=False):
    """Where Airtable is, and how it is talked to."""

    base_url: str | None
    """Address of the API; no scheme means https, plain http is for loopback only. Default:
    `https://api.airtable.com`."""

    requests_per_second: float | str | None
    """Requests a second to one base, for all processes of the machine together. Default: `4.5`."""

    budget_location: str | PathLike[str] | None
    """Absolute path of a directory that all machines see, by which they share a base's budget."""

    max_retries: int | str | None
    """How often one request is sent again after a failure that may pass. Default: `8`."""

    timeout_seconds: float | str | None
    """Time for one request and its answer. Default: `60`."""

    refresh_token: str | None
    """OAuth refresh token, which gives a new access token after the hour, and can be used once."""

    client_id: str | None
    """Id of the OAuth integration that refresh_token belongs to."""

    client_secret: str | None
    """Secret of the OAuth integration, where it has one."""


class TableKeywords(TypedDict, total=False):
    """What of a table is read, and in which form."""

    namespace: list[str] | tuple[str, ...] | str | None
    """JSON list of base ids or names, such as `["appXXXXXXXXXXXXXX"]`; several, or `["*"]`, are read as one table."""

    view: str | None
    """View name or id: only its records are read."""

    fields: list[str] | tuple[str, ...] | str | None
    """JSON list, or comma-separated, of field names or ids. Default: `all`."""

    filter_formula: str | None
    """Airtable formula, passed as filterByFormula."""

    where: str | None
    """Condition in SQL over the read's columns: only rows that fulfil it come, as Spark's `where` would keep them."""

    max_records: int | str | None
    """Stop after this many records, or rows where `where` is given or comments are read."""

    column_names: Literal["snake", "original", "id"] | None
    """Which names the columns get. Default: `snake`."""

    nested: Literal["struct", "json"] | None
    """`json` gives one JSON string per nested cell. Default: `struct`."""

    links: Literal["ids", "names", "both"] | None
    """Cells of linked records: `ids`, `names` (of their primary fields) or `both`. Default: `ids`."""

    rescued_data_column: str | None
    """Where values go that do not fit their column; empty turns it off. Default: `_rescued_data`."""

    on_bad_value: Literal["rescue", "fail"] | None
    """What happens to a value that does not fit its column. Default: `rescue`."""

    part: Literal["records", "links", "attachments", "comments"] | None
    """What of the table is read: `records`, or one row for each of their `links`, `attachments` or `comments`. Default:
    `records`."""

    attachments: Literal["urls", "stable", "download"] | None
    """`stable` leaves out the addresses of files, which change at every read; `download` stores the files. Default:
    `urls`."""

    attachment_location: str | PathLike[str] | None
    """Absolute path of a directory for files, shared by driver and workers, for `attachments=download`."""

    ingestion_type: Literal["snapshot", "cdc", "cdc_with_deletes", "append", "change_log"] | None
    """What a read of the table gives. Default: `snapshot`."""

    airtable_plan: Literal["free", "team", "business", "enterprise"] | None
    """Plan of the base's workspace, for warnings about its monthly cap of API calls."""

    page_size: int | str | None
    """Records in one request, at most 100. Default: `100`."""


class StreamKeywords(TypedDict, total=False):
    """How a table's changes are followed."""

    max_records_per_batch: int | str | None
    """About how many records one streaming micro-batch has at most."""

    poll_seconds: float | str | None
    """Shortest time between two questions of a stream for changes, in seconds. Default: `60`."""

    lookback_seconds: int | str | None
    """Seconds that a `cdc` window reads again, and that `append` waits, for records that Airtable shows late. Default:
    `60`."""

    webhook_id: str | None
    """Webhook that a `cdc_with_deletes` or `change_log` stream uses; without it one is found or made."""

    on_lost_feed: Literal["fail", "reread"] | None
    """What a `cdc_with_deletes` stream does when its change feed has expired or has gaps; `reread` needs
    `state_location`. Default: `fail`."""

    schema_change: Literal["continue", "fail"] | None
    """What a stream does when a field is added: `continue` (`cdc`, `append`) or `fail` (`cdc_with_deletes`). Default:
    `by type`."""

    state_location: str | PathLike[str] | None
    """Absolute path of a directory of one stream, shared by driver and workers, for `on_lost_feed=reread`."""


class AirtableKeywords(ConnectionKeywords, TableKeywords, StreamKeywords, total=False):
    """What `Airtable` takes besides token and base."""


class ReadKeywords(AccessKeywords, ConnectionKeywords, TableKeywords, total=False):
    """What a read takes, for itself alone."""


class ChangeKeywords(ReadKeywords, StreamKeywords, total=False):
    """What a reader of changes takes, for one call alone."""
