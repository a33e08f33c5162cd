"""What to do about a complaint, by its words: those of Databricks, of its command line, of pip and of this package.

The words of another program change. So a cure is added to a complaint and never takes its place, and a complaint that
is not known stays as it is.
"""

from __future__ import annotations

import re

MISSING = re.compile(r"does not exist|not found|RESOURCE_DOES_NOT_EXIST|\b404\b", re.IGNORECASE)
"""Something is not there. Unity Catalog answers so, too, where a user may not see it."""

EXISTS = re.compile(r"already exists|ALREADY_EXISTS|\b409\b", re.IGNORECASE)

PRIVILEGES = (
    "CREATE CONNECTION",
    "USE CONNECTION",
    "CREATE SCHEMA",
    "CREATE TABLE",
    "CREATE MATERIALIZED VIEW",
    "USE CATALOG",
    "USE SCHEMA",
)
"""Those of Unity Catalog that the kit needs; `rights` says where."""

_REFUSED = re.compile(
    r"PERMISSION_DENIED|\b403\b|permission|privilege|not authorized|does not have|access denied", re.IGNORECASE
)

# The first that is found counts: what this package says is more exact than what wraps it.
_CURES = (
    (
        r"option token is missing although databricks\.connection|no token",
        "deploy again, so that the pipeline has the setting of the injection, and bring the connection up to date by "
        "`lakeflow-airtable connection --name NAME --update`",
    ),
    (
        r"the token was not accepted|AUTHENTICATION_REQUIRED",
        "the connection holds a wrong or old token: make a new one and store it by "
        "`lakeflow-airtable connection --name NAME --update`",
    ),
    (
        r"INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND|give the token the scope",
        "give the token its scopes and the base at airtable.com/create/tokens; the connection keeps the same token",
    ),
    (
        r"option tableName|externalOptionsAllowList|options? .*not (?:in the )?allow",
        "the connection's allow list lacks options: write it anew by "
        "`lakeflow-airtable connection --name NAME --update`",
    ),
    (
        r"is not a supported wheel on this platform|No matching distribution found|"
        r"Could not find a version that satisfies",
        "no wheel in dist/ is of this version and fits the machine: put those of x86-64 and of aarch64 for Linux "
        "there, set wheel_version to their version, and deploy again",
    ),
    (
        r"invalid ELF header|wrong ELF class|cannot open shared object|exec format error",
        "the wheel is of another architecture: put those of x86-64 and of aarch64 into dist/ under their own names, "
        "and deploy again",
    ),
    (
        r"No module named '(?:lakeflow_airtable|pyspark_airtable)",
        "the environment lacks the wheel: keep its lines of resources/pipeline.yml as they were, and deploy again",
    ),
    (
        r"ENVIRONMENT_PIP_INSTALL_ERROR",
        "pip could not install the environment's dependencies: see the first line of pip's own output in the event",
    ),
    (
        r"connection.?type|unknown connection type|COMMUNITY.*(?:not supported|invalid|unknown)",
        "this workspace knows the other type: give --type GENERIC_LAKEFLOW_CONNECT",
    ),
    (
        r"default auth|cannot configure|no configuration file|token is expired|refresh token|\b401\b|"
        r"credential was not sent|invalid access token|not been authenticated|has no .* profile",
        "log in: databricks auth login --host https://YOUR-WORKSPACE, and give --profile where there are several",
    ),
    (
        r"not (?:an|the) owner of",
        "ask its owner to do it, or for the privilege MANAGE on it",
    ),
    (
        r'for "--var" flag: parse error',
        "--var takes texts: set the lists notify and permissions in databricks.yml, as their default",
    ),
    (
        r"active update|update .*already|UpdateInProgress",
        "a run of this pipeline is going on: wait for its end, or stop it, and run again",
    ),
    (
        r"api\.airtable\.com.*(?:could not be reached|timed out|dns|connect)|UnknownHost|Name or service not known",
        "allow the host api.airtable.com in the network policy of the workspace",
    ),
)


def privilege(said: str) -> str | None:
    """The first privilege that a refusal names."""
    if not _REFUSED.search(said):
        return None
    return next((name for name in PRIVILEGES if re.search(name.replace(" ", "[ _]"), said, re.IGNORECASE)), None)


def cure(said: str) -> str | None:
    """What to do about it, where that is known."""
    for pattern, advice in _CURES:
        if re.search(pattern, said, re.IGNORECASE):
            return advice
    if _REFUSED.search(said):
        wanted = privilege(said)
        wanted = f"the privilege {wanted}" if wanted else "the privileges"
        return f"ask an administrator for {wanted}: `lakeflow-airtable databricks up --dry-run` prints each GRANT"
    if re.search(r"resources\.schemas\.|SCHEMA_ALREADY_EXISTS", said) and EXISTS.search(said):
        return (
            "take the schema over by `databricks bundle deployment bind bronze CATALOG.SCHEMA`, or name another by "
            "--var schema=NAME"
        )
    if EXISTS.search(said):
        return "it is there and may be hidden from you: ask its owner for rights, or give another name"
    if MISSING.search(said):
        return "check the name; Databricks answers the same for what you may not see"
    if re.search(r"dial tcp|no such host|connection refused", said, re.IGNORECASE):
        return "check the address of the workspace, and the network"
    return None
