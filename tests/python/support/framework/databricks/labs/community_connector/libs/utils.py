"""Conversion of a connector's records, as strict as the framework's."""

from datetime import date, datetime

from pyspark.sql import Row
from pyspark.sql.types import (
    ArrayType,
    BooleanType,
    DateType,
    DoubleType,
    LongType,
    StringType,
    StructType,
    TimestampType,
)


def parse_value(value, kind):
    """A value as JSON has it, as Spark wants it for a column of this type."""
    if value is None:
        return None
    for known, convert in _CONVERSIONS:
        if isinstance(kind, known):
            return convert(value, kind)
    raise ValueError(f"no conversion to {kind}")


def _struct(value, kind):
    if not isinstance(value, dict) or not value:
        raise ValueError(f"{value!r} is no struct: None stands for one that is missing")
    missing = [field.name for field in kind if not field.nullable and field.name not in value]
    if missing:
        raise ValueError(f"{missing} are missing and cannot be NULL")
    return Row(**{field.name: parse_value(value.get(field.name), field.dataType) for field in kind})


def _array(value, kind):
    if not isinstance(value, list):
        if kind.containsNull:
            return [parse_value(value, kind.elementType)]
        raise ValueError(f"{value!r} is no list")
    return [parse_value(item, kind.elementType) for item in value]


def _date(value, kind):
    # A date that is none of JSON's is refused.
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no text")
    return date.fromisoformat(value)


def _timestamp(value, kind):
    if isinstance(value, str):
        return datetime.fromisoformat(value.replace("Z", "+00:00"))
    return value if isinstance(value, datetime) else datetime.fromtimestamp(value)


def _boolean(value, kind):
    return value.lower() in ("true", "t", "yes", "y", "1") if isinstance(value, str) else bool(value)


_CONVERSIONS = (
    (StructType, _struct),
    (ArrayType, _array),
    (StringType, lambda value, kind: str(value)),
    (LongType, lambda value, kind: int(value)),
    (DoubleType, lambda value, kind: float(value)),
    (BooleanType, _boolean),
    (DateType, _date),
    (TimestampType, _timestamp),
)
