# Databricks notebook source
# MAGIC %md
# MAGIC # What is in Airtable
# MAGIC
# MAGIC Nothing is written. The job `airtable_explore` runs it with the bundle's connection. Where you open it yourself,
# MAGIC write the connection's name into the field above, and stand in the folder that the bundle has deployed.

# COMMAND ----------

# MAGIC %pip install --no-index --find-links=./dist lakeflow-airtable

# COMMAND ----------

from contextlib import suppress

from lakeflow_airtable import register

for name in ("connection", "base_id", "secret"):
    dbutils.widgets.text(name, "")
connection, base_id, secret = (dbutils.widgets.get(name) for name in ("connection", "base_id", "secret"))
if not (connection or secret):
    raise ValueError("write the connection's name into the field `connection`: the variable in databricks.yml has it")

register(spark)
# Where the compute refuses it and a read then lacks the token, write SCOPE/KEY of a secret into the field `secret`.
with suppress(Exception):
    spark.conf.set("spark.databricks.unityCatalog.connectionDfOptionInjection.enabled", "true")


def airtable(table, **options):
    """A table of Airtable, or one of the tables that tell what is there."""
    source = spark.read.format("lakeflow_connect")
    if secret:
        source = source.option("token", dbutils.secrets.get(*secret.split("/", 1)))
        source = source.option("base_id", base_id) if base_id else source
    else:
        source = source.option("databricks.connection", connection)
    return source.options(**options).option("tableName", table).load()


# COMMAND ----------

# MAGIC %md
# MAGIC ## Tables
# MAGIC A connection without `base_id` sees several bases: `_community_namespaces` lists them, and any other read names
# MAGIC one of them, as in `airtable("_community_tables", namespace='["app..."]')`.

# COMMAND ----------

tables = [row["tableName"] for row in airtable("_community_tables").collect()]
print(*tables, sep="\n")

# COMMAND ----------

# MAGIC %md
# MAGIC ## Columns
# MAGIC They come from the fields' definitions: no row is read for them.

# COMMAND ----------

airtable(tables[0]).printSchema()

# COMMAND ----------

# MAGIC %md
# MAGIC ## Rows
# MAGIC Airtable gives 450 records a second at most, so ask for no more than you look at. `fields` and `filter_formula`
# MAGIC ask for less, as in `airtable("Vendors", fields="Name,Country", filter_formula="{Score} > 3")`.

# COMMAND ----------

airtable(tables[0], max_records=20).show(truncate=False)

# COMMAND ----------

# MAGIC %md
# MAGIC ## How a pipeline would ingest them

# COMMAND ----------

import json

airtable(
    "_community_table_metadata",
    tableNameList=json.dumps(tables),
    tableConfigs=json.dumps({tables[0]: {"ingestion_type": "cdc_with_deletes"}}),
).show(truncate=False)
