from databricks.labs.community_connector.sparkpds.ingestion_agent_datasource import IngestionAgentDispatcher
from databricks.labs.community_connector.sparkpds.lakeflow_datasource import LakeflowSource
from databricks.labs.community_connector.sparkpds.registry import find_data_source, register

__all__ = ["IngestionAgentDispatcher", "LakeflowSource", "find_data_source", "register"]
