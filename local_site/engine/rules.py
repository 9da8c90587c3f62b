"""Gear rules: which jobs a change of a file starts.

A rule asks for a job when none of its ``not`` conditions hold for a file, one of ``any`` (if there are some) and every
one of ``all``. Only what the rules did not ask for before the change is started; but a replaced file always counts.
"""

from __future__ import annotations

import fnmatch
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from local_site.engine import jobs, manifests
from local_site.errors import ApiError, UnprocessableError
from local_site.listing.patterns import Budget, Expressions, Pattern
from local_site.site.auth import Identity
from local_site.site.state import Site
from local_site.storage.store import Doc

CONDITIONS = (
    "file.type", "file.name", "file.modality", "file.classification", "file.tags", "file.parent_ref.type",
    "container.has-type", "container.has-classification", "gear.name", "gear.version",
)  # fmt: skip
FIXED_INPUT = ("input", "type", "id", "name")
FORMS: dict[str, type] = {
    "gear_id": str, "name": str, "role_id": str, "triggering_input": str, "config": dict, "fixed_inputs": list,
    "tags": list, "any": list, "all": list, "not": list, "disabled": bool, "priority": str,
}  # fmt: skip

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Wish:
    """A job that a rule asks for.

    Attributes
    ----------
    rule, gear
        The rule and what it runs.
    file
        The file that made it ask.
    inputs
        The reference for each file input.
    """

    rule: Doc
    gear: Doc
    file: Doc
    inputs: dict[str, Doc]

    @property
    def intention(self) -> tuple[Any, ...]:
        """What tells two wishes apart: gear, inputs and, for one without inputs, the destination."""
        inputs = sorted((name, item["id"], item["name"]) for name, item in self.inputs.items())
        return self.gear["_id"], tuple(inputs), self.file["parent_ref"]["id"]


def check(rule: Doc) -> None:
    """Refuse a rule that could not be evaluated.

    Raises
    ------
    UnprocessableError
        A part is of the wrong form, of an unknown kind, or not a valid regular expression.
    """
    for name, types in FORMS.items():
        if rule.get(name) is not None and not isinstance(rule[name], types):
            raise UnprocessableError(f"{name} of a rule is of the wrong type: {type(rule[name]).__name__}")
    if not all(isinstance(tag, str) for tag in rule.get("tags") or []):
        raise UnprocessableError("tags of a rule are texts")
    if (rule.get("priority") or "medium") not in jobs.PRIORITIES:
        raise UnprocessableError(f"priority of a rule is one of {', '.join(jobs.PRIORITIES)}")
    for fixed in rule.get("fixed_inputs") or []:
        if not isinstance(fixed, dict) or not all(isinstance(fixed.get(key), str) for key in FIXED_INPUT):
            raise UnprocessableError(f"A fixed input of a rule has {', '.join(FIXED_INPUT)}")
    budget = Budget()
    for condition in (condition for part in ("any", "all", "not") for condition in rule.get(part) or []):
        _check_condition(condition, budget)


def _check_condition(condition: Any, budget: Budget) -> None:
    if not isinstance(condition, dict) or condition.get("type") not in CONDITIONS or "value" not in condition:
        raise UnprocessableError(f"A condition of a rule has a value and one of the types {', '.join(CONDITIONS)}")
    if condition.get("regex"):
        expression = str(condition["value"])
        try:
            Pattern(expression, budget)
        except ValueError as error:
            shown = repr(expression[:100])
            raise UnprocessableError(f"{shown} is not a valid regular expression: {error}") from error


def listen(site: Site) -> None:
    """Start jobs when files change from now on."""

    def file_changed(event: str, before: Doc | None, after: Doc, who: Identity) -> int:
        del who  # a rule's job runs with the rule's rights, whoever changed the file
        return evaluate(site, event, before, after)

    site.file_listeners.append(file_changed)


def evaluate(site: Site, event: str, before: Doc | None, after: Doc) -> int:
    """Queue the jobs that a file's change asks for, and return how many."""
    project_id = after["parents"].get("project")
    if after["parent_ref"]["type"] == "analysis" or not project_id:
        return 0
    rules = [rule for rule in site.store.select("rule", parent=project_id) if not rule.get("disabled")]
    if not rules:
        return 0
    files_after = list(site.store.select("file", parent=after["parent_ref"]["id"]))
    from_elsewhere = before is not None and before["parents"].get("project") != project_id
    known: set[tuple[Any, ...]] = set()
    expressions = Expressions()
    if not from_elsewhere:  # there, other rules held
        files_before = [file for file in files_after if file["file_id"] != after["file_id"]]
        if before is not None and before["parent_ref"] == after["parent_ref"]:
            files_before.append(before)
        known = {wish.intention for wish in _wishes(site, rules, files_before, expressions)}
    started = 0
    for wish in _wishes(site, rules, files_after, expressions):
        new = wish.intention not in known
        known.add(wish.intention)
        if from_elsewhere:  # its neighbours came along: each speaks for itself
            wanted = new and wish.file["file_id"] == after["file_id"]
        else:
            wanted = new or (event == "replaced" and _uses(wish, after))
        started += wanted and _queue(site, wish)
    return started


def holds(condition: Doc, file: Doc, siblings: list[Doc], expressions: Expressions) -> bool:
    """Tell whether a condition holds for a file among the files of its container."""
    kind = condition["type"]
    values: list[Any]
    if kind == "container.has-type":
        values = [sibling["type"] for sibling in siblings]
    elif kind == "container.has-classification":
        values = [value for sibling in siblings for value in _classified(sibling)]
    elif kind == "file.classification":
        values = _classified(file)
    elif kind == "file.tags":
        values = file["tags"]
    elif kind == "file.parent_ref.type":
        values = [file["parent_ref"]["type"]]
    elif kind.startswith("gear."):
        values = [(file.get("gear_info") or {}).get(kind.removeprefix("gear."))]
    else:
        values = [file.get(kind.removeprefix("file."))]
    return any(_matches(condition, str(value), expressions) for value in values if value is not None)


def _wishes(site: Site, rules: list[Doc], files: list[Doc], expressions: Expressions) -> Iterator[Wish]:
    for rule in rules:
        gear = site.store.get("gear", rule["gear_id"])
        if gear is None or gear["disabled"]:
            continue
        for file in files:
            if _applies(rule, file, files, expressions):
                yield Wish(rule, gear, file, _inputs(rule, gear, file))


def _applies(rule: Doc, file: Doc, siblings: list[Doc], expressions: Expressions) -> bool:
    def hold(part: str) -> Iterator[bool]:
        return (holds(condition, file, siblings, expressions) for condition in rule.get(part) or [])

    return not any(hold("not")) and (not rule.get("any") or any(hold("any"))) and all(hold("all"))


def _matches(condition: Doc, value: str, expressions: Expressions) -> bool:
    wanted = str(condition["value"])
    if condition.get("regex"):
        return expressions.begins(wanted, value)
    if condition["type"] == "file.name":
        return fnmatch.fnmatchcase(value.lower(), wanted.lower())
    return value.lower() == wanted.lower()


def _classified(file: Doc) -> list[str]:
    return [value for values in (file.get("classification") or {}).values() for value in values]


def _inputs(rule: Doc, gear: Doc, file: Doc) -> dict[str, Doc]:
    """Return the inputs of a rule's job: its fixed ones, and the file at the input meant for it.

    That is the input the rule names, else the one required file input, else the one optional input that admits the
    type of the file. A gear that wants no file gets none.
    """
    fixed = {
        item["input"]: {key: item[key] for key in ("type", "id", "name")} for item in rule.get("fixed_inputs") or []
    }
    specs = {name: spec for name, spec in manifests.inputs_of(gear, "file").items() if name not in fixed}
    required = [name for name, spec in specs.items() if not spec.get("optional")]
    typed = [name for name, spec in specs.items() if (spec.get("type") or {}).get("enum")]
    admitting = [name for name in typed if manifests.admits(specs[name], file)]
    candidates = [rule["triggering_input"]] if rule.get("triggering_input") else required or admitting
    if len(candidates) == 1:
        fixed[candidates[0]] = {**file["parent_ref"], "name": file["name"]}
    return fixed


def _uses(wish: Wish, file: Doc) -> bool:
    reference = {**file["parent_ref"], "name": file["name"]}
    return reference in wish.inputs.values() or wish.file["file_id"] == file["file_id"]


def _queue(site: Site, wish: Wish) -> bool:
    """Queue the job of a wish; a rule whose job cannot be run (a config that no longer fits) starts none."""
    rule, gear = wish.rule, wish.gear
    role = rule.get("role_id") or site.built_in_role("ro")
    who = Identity(
        key_id="",
        user_id=None,
        origin={"type": "gear_rule", "id": rule["_id"]},
        project=rule["project_id"],
        role_ids=(role,),
    )
    body = {
        "gear_id": gear["_id"],
        "inputs": wish.inputs,
        "config": rule.get("config") or {},
        "tags": ["auto", gear["gear"]["name"], *(rule.get("tags") or [])],
        "priority": rule.get("priority"),
    }
    kind = wish.file["parent_ref"]["type"]
    container = site.store.get(kind, wish.file["parent_ref"]["id"])
    try:
        request = jobs.Request.parse(site, who, body)
    except ApiError:
        return False
    if container is None:
        return False
    facts = {"origin": {"type": "system", "id": None}, "rule_id": rule["_id"], "role_id": role}
    if gear["category"] == "analysis":
        jobs.queue_analysis(site, who, request, kind, container, label=gear["gear"]["name"], **facts)
    else:
        jobs.queue(site, who, request, kind, container, **facts)
    return True
