from databricks.labs.community_connector.pipeline.ingestion_pipeline import ingest

__all__ = ["ingest"]
