"""What a connector implements."""

from abc import ABC, abstractmethod

from databricks.labs.community_connector.interface.agent import (
    AgentError,
    AgentOperation,
    ErrorCode,
    Parameter,
    SupportsIngestionAgent,
)

__all__ = [
    "AgentError",
    "AgentOperation",
    "ErrorCode",
    "LakeflowConnect",
    "Parameter",
    "SupportsIngestionAgent",
    "SupportsNamespaces",
    "SupportsPartition",
    "SupportsPartitionedStream",
]


class LakeflowConnect(ABC):
    def __init__(self, options):
        self.options = options

    @abstractmethod
    def list_tables(self): ...

    @abstractmethod
    def get_table_schema(self, table_name, table_options): ...

    @abstractmethod
    def read_table_metadata(self, table_name, table_options): ...

    @abstractmethod
    def read_table(self, table_name, start_offset, table_options): ...

    def read_table_deletes(self, table_name, start_offset, table_options):
        raise NotImplementedError


class SupportsPartition(ABC):
    @abstractmethod
    def get_partitions(self, table_name, table_options): ...

    @abstractmethod
    def read_partition(self, table_name, partition, table_options): ...


class SupportsPartitionedStream(SupportsPartition):
    def is_partitioned(self, table_name):
        return True

    @abstractmethod
    def latest_offset(self, table_name, table_options, start_offset=None): ...

    @abstractmethod
    def get_partitions(self, table_name, table_options, start_offset=None, end_offset=None): ...


class SupportsNamespaces(ABC):
    @abstractmethod
    def list_namespaces(self, prefix=None): ...

    @abstractmethod
    def list_tables_in_namespace(self, namespace): ...
