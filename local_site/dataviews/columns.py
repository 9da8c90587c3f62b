"""The columns of a data view: where a value comes from, what it is called, what is made of it."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from local_site.errors import BadRequestError
from local_site.hierarchy.fields import SchemaError, checked
from local_site.storage.store import Doc

LEVELS = ("project", "subject", "session", "acquisition")
SOURCES = (*LEVELS, "analysis", "file")
FORBIDDEN = ("permissions", "files", "blob")
YEARS = "x / 31557600"  # ages are kept in seconds
KNOWN = {  # fields that have a description; others can be asked for all the same
    "project": {"id": "string", "label": "string"},
    "subject": {
        "id": "string",
        "label": "string",
        "firstname": "string",
        "lastname": "string",
        "age": "int",
        "age_years": "float",
        "sex": "string",
        "cohort": "string",
        "type": "string",
        "race": "string",
        "ethnicity": "string",
        "species": "string",
        "strain": "string",
    },
    "session": {
        "id": "string",
        "label": "string",
        "timestamp": "string",
        "timezone": "string",
        "age": "int",
        "age_years": "float",
        "weight": "float",
        "operator": "string",
        "uid": "string",
    },
    "acquisition": {
        "id": "string",
        "label": "string",
        "timestamp": "string",
        "timezone": "string",
        "uid": "string",
    },
    "analysis": {"id": "string", "label": "string"},
    "file": {
        "name": "string",
        "id": "string",
        "file_id": "string",
        "size": "int",
        "type": "string",
        "modality": "string",
        "classification": "object",
        "created": "string",
        "modified": "string",
        "version": "int",
        "hash": "string",
    },
}
CONVERSIONS: dict[str, Callable[[Any], Any]] = {
    "int": lambda value: int(float(value)),
    "float": float,
    "string": lambda value: value if isinstance(value, str) else str(value),
    "bool": lambda value: value.lower() in ("true", "1", "yes") if isinstance(value, str) else bool(value),
    "object": lambda value: value,
}
OPERATIONS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
LONGEST_EXPRESSION = 200
ACCUMULATORS = ("count", "sum", "mean", "standard_deviation", "minimum", "maximum")


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes
    ----------
    source, path
        What the value is taken from, a container's type or ``file``, and the dotted path there.
    name
        What it is called in the table.
    type, expression
        What the value is made into, and what is worked out with it as ``x``.
    accumulator
        What a group of rows shows of it.
    """

    source: str
    path: str
    name: str
    type: str | None = None
    expression: str | None = None
    accumulator: str | None = None

    def value(self, docs: dict[str, Doc]) -> Any:
        """Return the column's value in the row that these documents make up; None where there is none."""
        value = at(docs.get(self.source), self.path)
        try:
            if value is not None and self.expression:
                value = evaluated(self.expression, value)
            if value is not None and self.type:
                value = CONVERSIONS[self.type](value)
        except (TypeError, ValueError, ZeroDivisionError, OverflowError):
            return None
        return value


def columns(spec: Any) -> Iterator[Column]:
    """Yield the columns that an item of ``columns`` asks for: several if it names a whole container.

    Raises
    ------
    ApiError
        It is of the wrong form, or asks for what no column can hold.
    """
    spec = checked(spec, ("src", "dst", "type", "expr", "accumulator"), ("src",))
    src, name, kind = str(spec["src"]), spec.get("dst"), spec.get("type")
    if kind is not None and kind not in CONVERSIONS:
        raise SchemaError(("type", f"one of {', '.join(CONVERSIONS)}"))
    if spec.get("accumulator") is not None and spec["accumulator"] not in ACCUMULATORS:
        raise SchemaError(("accumulator", f"one of {', '.join(ACCUMULATORS)}"))
    source, _, field = src.partition(".")
    if src in KNOWN:
        for key in KNOWN[src]:
            yield _column(src, key, f"{name or src}.{key}", {**spec, "expr": None, "type": None})
        return
    if source not in SOURCES or not field:
        raise BadRequestError(f"Unknown column {src}: it is a type of container and one of its fields")
    if field.split(".")[0] in FORBIDDEN:
        raise BadRequestError(f"Unable to select column {src}")
    yield _column(source, field, str(name or src), spec)


def aliases() -> list[Doc]:
    """Return what is known of columns, for people who choose some."""
    known: list[Doc] = []
    for source, fields in KNOWN.items():
        names = [f"{source}.{field}" for field in fields]
        described = f"All column aliases belonging to {source}"
        known.append(_alias(source, None, described, group=names))
        known += [_alias(f"{source}.{field}", kind, f"The {source} {field}") for field, kind in fields.items()]
        known.append(_alias(f"{source}.info", "object", f"The freeform {source} metadata"))
    return known


def at(value: Any, path: str) -> Any:
    """Return what lies at a dotted path of a document, or None; keys that hold dots are found, too."""
    if not path:
        return value
    if isinstance(value, list):
        head, _, rest = path.partition(".")
        place = int(head) if head.isascii() and head.isdigit() and len(head) < 9 else len(value)
        return at(value[place], rest) if place < len(value) else None
    if not isinstance(value, dict):
        return None
    parts = path.split(".")
    for length in range(1, len(parts) + 1):
        key = ".".join(parts[:length])
        if key in value:
            return at(value[key], ".".join(parts[length:]))
    return None


def evaluated(expression: str, x: Any) -> Any:
    """Return what an expression of numbers, ``x``, ``+ - * /`` and brackets comes to.

    Raises
    ------
    BadRequestError
        It is none.
    """
    if len(expression) > LONGEST_EXPRESSION:
        raise BadRequestError(f"An expression has at most {LONGEST_EXPRESSION} characters")
    try:
        return _evaluated(ast.parse(expression, mode="eval").body, x)
    except (SyntaxError, RecursionError, KeyError, MemoryError) as error:
        raise BadRequestError(f"Invalid expression: {expression}") from error


def _evaluated(node: ast.AST, x: Any) -> Any:
    match node:
        case ast.Constant(value=int() | float() as number):
            return number
        case ast.Name(id="x"):
            return x
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_evaluated(operand, x)
        case ast.BinOp(left=left, op=operation, right=right):
            return OPERATIONS[type(operation)](_evaluated(left, x), _evaluated(right, x))
        case _:
            raise KeyError(type(node))


def _column(source: str, field: str, name: str, spec: Doc) -> Column:
    kind, expression = spec.get("type") or KNOWN[source].get(field), spec.get("expr")
    if field in ("age", "age_years") and source in ("subject", "session"):  # a subject's age is kept by the session
        source, expression = "session", expression or (YEARS if field == "age_years" else None)
        field = "age"
    elif field == "id":
        field = "_id"
    if expression:
        evaluated(expression, 1.0)
    return Column(source, field, name, kind, expression, spec.get("accumulator"))


def _alias(name: str, kind: str | None, description: str, group: list[str] | None = None) -> Doc:
    expression = YEARS if name.endswith("age_years") else None
    facts = {"src": name, "type": kind, "group": group, "expr": expression, "hidden": False}
    return {"name": name, "description": description, **facts}
