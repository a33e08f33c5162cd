"""The exceptions of this package: one family. Each is also the built-in exception that it resembles.

They are defined in Python and raised from Rust, so that they pickle, carry docstrings and can be caught without
importing the compiled module. Every message is one line: what was asked, what came back, what to do. No message
holds a token, wherever it was put by mistake: messages are scrubbed where they are made.
"""

from __future__ import annotations


def _scrubbed(text: str) -> str:
    from ._native import scrub

    return scrub(text)


class AirtableError(Exception):
    """Any failure of this package. Catch it to treat all of them alike.

    Attributes:
        status: The HTTP status of the answer that it comes from; None where no answer is the reason.
        kind: Airtable's word for what is wrong, such as `INVALID_FILTER_BY_FORMULA`, or None.
        option: The name of the option to correct, as it was given, or None.
        request: The request that it comes from, such as `GET https://api.airtable.com/v0/app.../tbl...`, without query;
            None where it comes from none.
    """

    status: int | None
    kind: str | None
    option: str | None
    request: str | None

    def __init__(
        self,
        *args: object,
        status: int | None = None,
        kind: str | None = None,
        option: str | None = None,
        request: str | None = None,
    ) -> None:
        super().__init__(*(_scrubbed(arg) if isinstance(arg, str) else arg for arg in args))
        self.status = status
        self.kind = kind and _scrubbed(kind)
        self.option = option and _scrubbed(option)
        self.request = request and _scrubbed(request)


class OptionError(AirtableError, ValueError):
    """An option is missing, misspelt or has a value that cannot be used.

    Raised before any request is sent, or when a schema asks for a column that the table does not have. Correct the
    option that the message names.
    """


class AuthError(AirtableError, PermissionError):
    """Airtable does not accept the token, or the token may not do this.

    Check that the token is valid, has the scopes `data.records:read` and `schema.bases:read` (and `webhook:manage` for
    `cdc_with_deletes`, `data.recordComments:read` for comments), and that the base is in its access list.
    """


class NotFoundError(AirtableError, LookupError):
    """The base, table, view or field does not exist, or the token cannot see it.

    The message lists the nearest names. Prefer ids (`tbl...`, `fld...`): they survive renaming.
    """


class RateLimitError(AirtableError):
    """Airtable refused because of too many requests, and went on refusing after all retries.

    Either other programs use up the same base's five requests a second: then lower `requests_per_second`. Or the
    workspace has used its requests of this month: then no retry helps.
    """


class RejectedError(AirtableError):
    """Airtable understood the request and refused it, for example because of an invalid formula.

    Sending it again gives the same answer. Correct what the message names.
    """


class TransportError(AirtableError, ConnectionError):
    """The service could not be reached, or failed in the middle, after all retries.

    Check `base_url`, the proxy settings (`HTTPS_PROXY`) and the network's list of allowed hosts.
    """


class DataError(AirtableError, ValueError):
    """A value does not fit its column, an answer is not what Airtable documents, or a stream cannot go on.

    A value raises it only with `on_bad_value=fail`. The message names the table, record, field, value and expected
    type. `on_bad_value=rescue` keeps such values in the rescued data column and reads on. A stream raises it when its
    change feed has lost changes, or when the table is no longer as it was planned.
    """


# Users meet these names as `lakeflow_airtable.OptionError`; tracebacks and pickles should say the same.
for _error in (
    AirtableError,
    OptionError,
    AuthError,
    NotFoundError,
    RateLimitError,
    RejectedError,
    TransportError,
    DataError,
):
    _error.__module__ = "lakeflow_airtable"
del _error
