"""Airtable as an Arrow-native source for Apache Spark and Databricks Lakeflow."""
