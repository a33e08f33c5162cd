CREATE CONNECTION IF NOT EXISTS `airtable` TYPE COMMUNITY OPTIONS (
  sourceName 'airtable',
  token secret('airtable', 'token'),
  base_id 'appXXXXXXXXXXXXXX',
  externalOptionsAllowList 'tableName,tableNameList,tableConfigs,isDeleteFlow,namespace,namespacePrefix,view,fields,filter_formula,max_records,column_names,nested,rescued_data_column,on_bad_value,ingestion_type,max_records_per_batch,lookback_seconds,webhook_id,on_lost_feed,schema_change,state_location,airtable_plan,page_size'
);
