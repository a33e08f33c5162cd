# Databricks notebook source
# MAGIC %md
# MAGIC # What is in Airtable
# MAGIC
# MAGIC Needs the connection `airtable` and the wheels in a Volume, see `README.md`. Nothing is written.

# COMMAND ----------

# MAGIC %pip install --no-index --find-links=/Volumes/main/airtable/wheels lakeflow-airtable==0.1.0

# COMMAND ----------

from lakeflow_airtable import register

register(spark)
spark.conf.set("spark.databricks.unityCatalog.connectionDfOptionInjection.enabled", "true")


def airtable(table, **options):
    """A table of Airtable, or one of the tables that tell what is there."""
    source = spark.read.format("lakeflow_connect").option("databricks.connection", "airtable")
    return source.options(**options).option("tableName", table).load()


# COMMAND ----------

# MAGIC %md
# MAGIC ## Tables
# MAGIC A connection without `base_id` sees several bases: `_community_namespaces` lists them, and any other read names
# MAGIC one of them, as in `airtable("_community_tables", namespace='["appXXXXXXXXXXXXXX"]')`.

# COMMAND ----------

airtable("_community_tables").show(truncate=False)

# COMMAND ----------

# MAGIC %md
# MAGIC ## Columns
# MAGIC They come from the fields' definitions: no row is read for them.

# COMMAND ----------

airtable("Vendors").printSchema()

# COMMAND ----------

# MAGIC %md
# MAGIC ## Rows
# MAGIC Airtable gives 450 records a second at most, so ask for no more than you look at.

# COMMAND ----------

airtable("Vendors", fields="Name,Country,Score", max_records=20).show(truncate=False)

# COMMAND ----------

airtable("SKU Candidates", filter_formula="{Price} > 10", max_records=20).select("id", "product", "price").show()

# COMMAND ----------

# MAGIC %md
# MAGIC ## How a pipeline would ingest them

# COMMAND ----------

import json

airtable(
    "_community_table_metadata",
    tableNameList=json.dumps(["Vendors", "SKU Candidates"]),
    tableConfigs=json.dumps({"Vendors": {"ingestion_type": "cdc_with_deletes"}}),
).show(truncate=False)
