#!/usr/bin/env bash
# Creates the connection by Databricks' command line, where a SQL warehouse or the SQL statement is not at hand.
#   AIRTABLE_TOKEN=... AIRTABLE_BASE_ID=app... ./create_connection.sh [TYPE]
# TYPE is COMMUNITY, or GENERIC_LAKEFLOW_CONNECT in workspaces that do not know the former. The token is read from the
# environment and handed on by a pipe: an argument could be seen by every user of the machine.
# The definition is that of `lakeflow-airtable connection --name airtable --base-id app...`.
set -euo pipefail

: "${AIRTABLE_TOKEN:?set it to a personal access token of Airtable}"
: "${AIRTABLE_BASE_ID:?set it to the id of the base, app...}"
type=${1:-COMMUNITY}

databricks connections create --json @/dev/stdin <<JSON
{
  "name": "airtable",
  "connection_type": "${type}",
  "options": {
    "sourceName": "airtable",
    "token": "${AIRTABLE_TOKEN}",
    "base_id": "${AIRTABLE_BASE_ID}",
    "externalOptionsAllowList": "tableName,tableNameList,tableConfigs,isDeleteFlow,namespace,namespacePrefix,view,fields,filter_formula,max_records,column_names,nested,rescued_data_column,on_bad_value,ingestion_type,max_records_per_batch,lookback_seconds,webhook_id,on_lost_feed,schema_change,state_location,airtable_plan,page_size"
  }
}
JSON
