"""What an agent may ask of a connection: the words of its answers, and the operations."""

from abc import ABC, abstractmethod
from dataclasses import dataclass


class ErrorCode:
    """`_meta.code` of an answer that is an error."""

    AUTH_FAILED = "auth_failed"
    NOT_FOUND = "not_found"
    PERMISSION_DENIED = "permission_denied"
    RATE_LIMITED = "rate_limited"
    BAD_REQUEST = "bad_request"
    UNSUPPORTED = "unsupported"
    INTERNAL_ERROR = "internal_error"
    CONNECTION_FAILED = "connection_failed"


class AgentError(Exception):
    """An error with one of the codes."""

    def __init__(self, code, message=""):
        super().__init__(message or code)
        self.code = code


@dataclass(frozen=True)
class Parameter:
    """An option that an operation takes."""

    name: str
    type: str = "string"
    description: str = ""
    required: bool = False
    default: object = None
    enum: tuple = None


class AgentOperation(ABC):
    """`metadata` answers have a column `_meta`, and errors are a row of it. `data` is a table's own rows."""

    name = ""
    description = ""
    kind = "metadata"
    schema = None
    parameters = ()

    def __init_subclass__(cls, **more):
        super().__init_subclass__(**more)
        if not (isinstance(cls.name, str) and cls.name):
            raise TypeError(f"{cls.__name__} must set a non-empty `name`")
        if cls.kind not in ("metadata", "data"):
            raise TypeError(f"{cls.__name__}.kind must be one of metadata and data")

    def resolve_schema(self, connector, options):
        if self.schema is None:
            raise NotImplementedError(f"{type(self).__name__} has no schema")
        return self.schema

    @abstractmethod
    def pull(self, connector, options): ...


class SupportsIngestionAgent:
    """A connector with operations of its own. Ours has none: the framework's review forbids them to sources."""

    def agent_operations(self):
        return {}
