"""A pipeline's specification, as strict as the framework's: unknown keys are errors, and all values become texts.

Whatever a table is configured with is looked up by its source's name, so one name has one configuration.
"""

import json

_OWN = ("scd_type", "primary_keys", "sequence_by", "cluster_by")
_TABLE = ("source_table", "destination_catalog", "destination_schema", "destination_table", "table_configuration")
_SCD_TYPES = ("APPEND_ONLY", "SCD_TYPE_1", "SCD_TYPE_2")


class SpecParser:
    def __init__(self, spec):
        if not isinstance(spec, dict):
            raise ValueError("Spec must be a dictionary")
        self._check(spec, ("connection_name", "objects"), ("connection_name", "objects"))
        self._connection = self._text(spec, "connection_name")
        if not self._connection.strip():
            raise ValueError("Invalid pipeline spec: 'connection_name' must be a non-empty string")
        if not isinstance(spec["objects"], list) or not spec["objects"]:
            raise ValueError("Invalid pipeline spec: 'objects' must be a non-empty list")
        self._tables = [self._table(entry) for entry in spec["objects"]]

    def _table(self, entry):
        self._check(entry, ("table",), ("table",))
        table = entry["table"]
        self._check(table, _TABLE, ("source_table",))
        texts = {name: self._text(table, name) for name in _TABLE[:-1] if table.get(name) is not None}
        given = table.get("table_configuration") or {}
        if not isinstance(given, dict):
            raise ValueError("Invalid pipeline spec: 'table_configuration' must be a dictionary if provided")
        configuration = {
            str(name): json.dumps(value) if isinstance(value, (dict, list)) else str(value)
            for name, value in given.items()
        }
        return {**texts, "table_configuration": configuration}

    @staticmethod
    def _check(given, known, required):
        if not isinstance(given, dict):
            raise ValueError(f"Invalid pipeline spec: {given!r} is no dictionary")
        wrong = [name for name in given if name not in known] + [name for name in required if name not in given]
        if wrong:
            raise ValueError(f"Invalid pipeline spec: {wrong[0]}: Extra inputs are not permitted, or it is missing")

    @staticmethod
    def _text(given, name):
        if not isinstance(given[name], str):
            raise ValueError(f"Invalid pipeline spec: {name}: Input should be a valid string")
        return given[name]

    def _of(self, table):
        return next((one for one in self._tables if one["source_table"] == table), {"table_configuration": {}})

    def connection_name(self):
        return self._connection

    def get_table_list(self):
        return [table["source_table"] for table in self._tables]

    def get_table_configurations(self):
        return {table: self.get_table_configuration(table) for table in self.get_table_list()}

    def get_table_configuration(self, table):
        whole = self._of(table)["table_configuration"]
        return {name: value for name, value in whole.items() if name not in _OWN}

    def get_scd_type(self, table):
        given = self._of(table)["table_configuration"].get("scd_type")
        if given is not None and given.upper() not in _SCD_TYPES:
            raise ValueError(f"Invalid SCD type '{given}' for table '{table}'. Must be one of: {', '.join(_SCD_TYPES)}")
        return given and given.upper()

    def get_primary_keys(self, table):
        given = self._of(table)["table_configuration"].get("primary_keys")
        if given is None:
            return None
        return json.loads(given) if given.startswith("[") else [given]

    def get_sequence_by(self, table):
        return self._of(table)["table_configuration"].get("sequence_by")

    def get_cluster_by(self, table):
        given = self._of(table)["table_configuration"].get("cluster_by", "").strip()
        if given.startswith("["):
            return [str(name) for name in json.loads(given)]
        return [name.strip() for name in given.split(",") if name.strip()] or None

    def get_full_destination_table_name(self, table):
        of = self._of(table)
        if "source_table" not in of:
            raise ValueError(f"Table '{table}' not found in the pipeline spec")
        name = of.get("destination_table") or table
        catalog, schema = of.get("destination_catalog"), of.get("destination_schema")
        # Without both it stands unquoted, wherever Spark reads it as SQL.
        return name if catalog is None or schema is None else f"`{catalog}`.`{schema}`.`{name}`"
