"""What a polars predicate says, as conditions of the option `where`: as much of it as is understood exactly.

polars decides every row again, so a condition may let too much through, and never too little. A predicate is looked at
as polars writes it for other processes. That form belongs to no version for good: a part in a form that is not known
here is left out, and with it the whole of what it is joined to by OR or NOT.
"""

from __future__ import annotations

import datetime
import io
import json
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

_COMPARISONS = {"Eq": "=", "NotEq": "<>", "Lt": "<", "LtEq": "<=", "Gt": ">", "GtEq": ">="}
_JOINED = {"And": "AND", "Or": "OR"}
_BOUNDS = {"Both": (">=", "<="), "Left": (">=", "<"), "Right": (">", "<="), "None": (">", "<")}


class _UnknownError(Exception):
    """A part that is not understood."""


def conditions(predicate: pl.Expr) -> Iterator[str]:
    """The conditions that a predicate is made of, joined by AND: those of them that are understood."""
    try:
        node = json.loads(predicate.meta.serialize(format="json"))
        # Very long predicates nest deeper than Python goes.
    except (ValueError, TypeError, RecursionError):
        return
    for part in _parts(node, "And"):
        try:
            yield _condition(part)
        except (_UnknownError, RecursionError):
            continue


def _parts(node: Any, joined: str) -> list[Any]:
    """What a list of AND or OR joins, which polars writes two by two."""
    parts, waiting = [], [node]
    while waiting:
        match waiting.pop():
            case {"BinaryExpr": {"left": left, "op": op, "right": right}} if op == joined:
                waiting += [right, left]
            case other:
                parts.append(other)
    return parts


def _condition(node: Any) -> str:
    match node:
        case {"Column": str(name)}:
            return _name(name)
        case {"BinaryExpr": {"op": str(op)}} if op in _JOINED:
            return "(" + f" {_JOINED[op]} ".join(map(_condition, _parts(node, op))) + ")"
        case {"BinaryExpr": {"left": left, "op": str(op), "right": right}} if op in _COMPARISONS:
            return f"{_operand(left)} {_COMPARISONS[op]} {_operand(right)}"
        case {"Function": {"input": list(inputs), "function": function}}:
            return _function(function, inputs)
    raise _UnknownError


def _function(function: Any, inputs: list[Any]) -> str:
    match function, inputs:
        case {"Boolean": "Not"}, [of]:
            return f"NOT {_condition(of)}" if "Column" in of else f"NOT ({_condition(of)})"
        case {"Boolean": "IsNull"}, [{"Column": str(name)}]:
            return f"{_name(name)} IS NULL"
        case {"Boolean": "IsNotNull"}, [{"Column": str(name)}]:
            return f"{_name(name)} IS NOT NULL"
        case {"Boolean": {"IsBetween": {"closed": str(closed)}}}, [{"Column": str(name)}, low, high] if (
            closed in _BOUNDS
        ):
            above, below = _BOUNDS[closed]
            return f"({_name(name)} {above} {_operand(low)} AND {_name(name)} {below} {_operand(high)})"
        # NULL among the values makes no row fulfil it.
        case {"Boolean": {"IsIn": {"nulls_equal": False}}}, [{"Column": str(name)}, {"Literal": _} as values]:
            given = [_literal(value) for value in _values(values) if value is not None]
            if not given:
                raise _UnknownError
            return f"{_name(name)} IN ({', '.join(given)})"
        case {"StringExpr": "StartsWith"}, [{"Column": str(name)}, {"Literal": _} as text]:
            return f"{_name(name)} LIKE {_pattern(text, '', '%')}"
        case {"StringExpr": "EndsWith"}, [{"Column": str(name)}, {"Literal": _} as text]:
            return f"{_name(name)} LIKE {_pattern(text, '%', '')}"
        case {"StringExpr": {"Contains": {"literal": True}}}, [{"Column": str(name)}, {"Literal": _} as text]:
            return f"{_name(name)} LIKE {_pattern(text, '%', '%')}"
    raise _UnknownError


def _operand(node: Any) -> str:
    match node:
        case {"Column": str(name)}:
            return _name(name)
        case {"Literal": literal}:
            (value,) = _evaluated(node)
            return _literal(_double(literal) if isinstance(value, float) else value)
    raise _UnknownError


def _double(node: Any) -> float:
    """A literal's double, out of the text: polars reads doubles of JSON as their neighbours now and then."""
    match node:
        case {"Float": float() | int() as number} | {"Float64": float() | int() as number}:
            return float(number)
        case {"Dyn": inner} | {"Scalar": inner}:
            return _double(inner)
    raise _UnknownError


def _values(node: Any) -> list[Any]:
    """The values that a literal of a list, or of a series, has."""
    values = _evaluated(node)
    return values[0] if len(values) == 1 and isinstance(values[0], list) else values


def _evaluated(node: Any) -> list[Any]:
    """A literal's values, read by polars, which wrote them."""
    import polars as pl

    try:
        literal = pl.Expr.deserialize(io.BytesIO(json.dumps(node).encode()), format="json")
        return pl.select(literal).to_series().to_list()
    except Exception as error:  # whatever polars has against it
        raise _UnknownError from error


def _literal(value: Any) -> str:
    match value:
        case bool():
            return "TRUE" if value else "FALSE"
        case int():
            return str(value)
        case float() if math.isfinite(value):
            # With an exponent it is a double, as with polars.
            return repr(value) if "e" in repr(value) else f"{value!r}e0"
        case str():
            return _text(value)
        # A moment is a day, too.
        case datetime.datetime() if value.tzinfo is not None:
            return f"TIMESTAMP '{value.astimezone(datetime.timezone.utc).isoformat(' ', 'microseconds')}'"
        case datetime.date() if not isinstance(value, datetime.datetime):
            return f"DATE '{value.isoformat()}'"
    raise _UnknownError


def _text(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _pattern(node: Any, before: str, after: str) -> str:
    (text,) = _evaluated(node)
    if not isinstance(text, str):
        raise _UnknownError
    for special in ("\\", "%", "_"):
        text = text.replace(special, f"\\{special}")
    return _text(f"{before}{text}{after}")


def _name(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
