"""The exceptions of this package: one family, each also the built-in it resembles.

They are defined in Python and raised from Rust, so that they pickle, carry docstrings and can be caught without
importing the compiled module. Every message is one line: what was asked, what came back, what to do. No message ever
holds a token, whoever raises it and wherever it was put: all of them are scrubbed where they are made.
"""

from __future__ import annotations


def _scrubbed(text: str) -> str:
    from ._native import scrub

    return scrub(text)


class AirtableError(Exception):
    """Any failure of this package. Catch it to treat all of them alike."""

    def __init__(self, *args: object) -> None:
        super().__init__(*(_scrubbed(arg) if isinstance(arg, str) else arg for arg in args))


class OptionError(AirtableError, ValueError):
    """An option is missing, misspelt or has a value that cannot be used.

    Raised before any request is made, or when a schema asks for what the table does not have. Correct the option
    that the message names.
    """


class AuthError(AirtableError, PermissionError):
    """Airtable does not accept the token, or the token may not do this.

    Check that the token is alive, has the scopes `data.records:read` and `schema.bases:read` (and `webhook:manage` for
    `cdc_with_deletes`), and that the base is in its access list.
    """


class NotFoundError(AirtableError, LookupError):
    """The base, table, view or field does not exist, or the token cannot see it.

    The message lists the nearest names. Prefer ids (`tbl...`, `fld...`): they survive renaming.
    """


class RateLimitError(AirtableError):
    """Airtable refused because of too many requests, and went on refusing after all retries.

    Either other programs use up the same base's five requests a second (lower `requests_per_second`), or the
    workspace has used its requests of this month, which no retry mends.
    """


class RejectedError(AirtableError):
    """Airtable understood the request and refused it, for example because of an invalid formula.

    Sending it again would give the same answer: correct what the message names.
    """


class TransportError(AirtableError, ConnectionError):
    """The service could not be reached, or failed in the middle, after all retries.

    Check `base_url`, the proxy settings (`HTTPS_PROXY`) and the network's list of allowed hosts.
    """


class DataError(AirtableError, ValueError):
    """A value does not fit its column and `on_bad_value` is `fail`, an answer is not what Airtable documents, or a
    stream cannot go on: its change feed has lost changes, or the table is no longer as it was planned.

    The message names the table, record, field, value and expected type. `on_bad_value=rescue` keeps such values in
    the rescued data column and reads on.
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
