# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Finds by syntax what a Python file takes from rclpy: imports, calls, attributes, overrides.

An attribute is rclpy's where its object was imported from rclpy, is called like an object of rclpy
(`node`, `clock`), is `self` in a class derived from one, or where only rclpy has the name.
"""

from __future__ import annotations

import ast
import copy
import inspect
from dataclasses import dataclass
from functools import cache

RECEIVERS = {"clock", "context", "executor", "logger", "node", "publisher", "timer"}
RECEIVERS |= {"get_clock()", "get_logger()"}


@dataclass(frozen=True)
class Use:
    """One place that uses rclpy; `names` are full names of which every rclpy must have one.

    `given` are the number of positional arguments and the names of the others of a call, where
    `partial` means that there may be more; None where nothing is called. `own` are the parameters
    of a method that overrides one of rclpy.
    """

    line: int
    text: str
    names: list[str]
    given: tuple[int, list[str]] | None = None
    partial: bool = False
    own: str | None = None

    def fault(self, api):
        """Return why it does not fit an rclpy, given as parameters by name; "" where it does."""
        there = [api[name] for name in self.names if api.get(name) is not None]
        missing = "is not there" if {*self.names} & {*api} else "is not in rclpy_api.yaml"
        faults = [self._misfit(parameters) for parameters in there] or [missing]
        return "" if "" in faults else f"line {self.line}: {self.text}: {faults[0]}"

    def _misfit(self, parameters):
        if parameters == "value" or (self.given is None and self.own is None):
            return "" if self.given is None else "is stored as what is not called"
        theirs = signature(parameters)
        try:
            if self.own is not None:
                signature(self.own, "").bind(*theirs.parameters)
            elif self.partial:
                theirs.bind_partial(*[0] * self.given[0], **dict.fromkeys(self.given[1]))
            else:
                theirs.bind(*[0] * self.given[0], **dict.fromkeys(self.given[1]))
        except TypeError as error:
            return f"{error}, ({parameters})"
        return ""


def signature(parameters, default="0"):
    """Return the signature of parameters as rclpy_api.yaml writes them."""
    return inspect.signature(eval(f"lambda {parameters.replace('=', '=' + default)}: 0"))


def written(theirs):
    """Return a signature as rclpy_api.yaml writes it."""
    parts = []
    for each in theirs.parameters.values():
        if each.kind is each.KEYWORD_ONLY and not any(part.startswith("*") for part in parts):
            parts.append("*")
        stars = {each.VAR_POSITIONAL: "*", each.VAR_KEYWORD: "**"}.get(each.kind, "")
        parts.append(stars + each.name + ("" if each.default is each.empty else "="))
    return ", ".join(parts)


def own_names(sources):
    """Return the names of methods and fields that classes in these sources define."""
    classes = (x for text in sources for x in ast.walk(ast.parse(text)) if type(x) is ast.ClassDef)
    parts = [part for each in classes for part in each.body]
    methods = {part.name for part in parts if isinstance(part, ast.FunctionDef)}
    return methods | {part.target.id for part in parts if isinstance(part, ast.AnnAssign)}


@cache
def uses(source, names, own=frozenset()):
    """Return the uses of rclpy in a source, of which `names` are known; `own` are not only its."""
    finder = _Finder(names, own)
    finder.visit(ast.parse(source))
    return finder.found


class _Finder(ast.NodeVisitor):
    def __init__(self, names, own):
        self.found: list[Use] = []
        self._own = own
        self._imported: dict[str, list[str]] = {}
        self._bases: list[str] = []
        self._members: dict[str, list[str]] = {}
        for name in names:
            owner, _, member = name.rpartition(".")
            if owner.rpartition(".")[2][:1].isupper():
                self._members.setdefault(member, []).append(name)

    def visit_If(self, node):
        if ast.unparse(node.test) != "TYPE_CHECKING":
            self.generic_visit(node)

    def visit_Import(self, node):
        if any(each.name.split(".")[0] == "rclpy" for each in node.names):
            self._imported["rclpy"] = ["rclpy"]

    def visit_ImportFrom(self, node):
        for each in node.names if (node.module or "").split(".")[0] == "rclpy" else ():
            # The alternative after `except ImportError` joins the same list.
            known = self._imported.setdefault(each.asname or each.name, [])
            known.append(f"{node.module}.{each.name}")
            self._add(node, each.name, known)

    def visit_ClassDef(self, node):
        outer, self._bases = self._bases, [x for base in node.bases for x in self._full(base)]
        for part in node.body if self._bases else ():
            if isinstance(part, ast.FunctionDef) and part.name in self._members:
                own = copy.deepcopy(part.args)
                own.args = own.args[1:]
                for each in (*own.args, *own.kwonlyargs):
                    each.annotation = None
                self._add(part, part.name, self._members[part.name], own=ast.unparse(own))
        self.generic_visit(node)
        self._bases = outer

    def visit_Call(self, node):
        function, given, rest = node.func, node.args, [*node.args, *node.keywords]
        partial = ast.unparse(function) == "partial" and bool(given)
        if partial:
            function, given, rest = given[0], given[1:], rest[1:]
        plain = [x for x in given if not isinstance(x, ast.Starred)]
        keywords = [x.arg for x in node.keywords if x.arg]
        more = partial or len(plain) < len(given) or len(keywords) < len(node.keywords)
        self._use(function, (len(plain), keywords), more)
        for each in rest:
            self.visit(each)

    def visit_Name(self, node):
        self._use(node)

    def visit_Attribute(self, node):
        self._use(node)

    def visit_arg(self, node):
        """Annotations are not evaluated."""

    def visit_AnnAssign(self, node):
        if node.value is not None:
            self.visit(node.value)

    def visit_FunctionDef(self, node):
        for each in (*node.args.defaults, *node.decorator_list, *node.body):
            self.visit(each)

    def _use(self, node, given=None, partial=False):
        if names := self._full(node):
            self._add(node, ast.unparse(node), names, given, partial)
        elif isinstance(node, ast.Attribute):
            self.visit(node.value)
            names = self._member(ast.unparse(node.value), node.attr)
            if names is not None:
                self._add(node, ast.unparse(node), names, given, partial)
        elif not isinstance(node, ast.Name):
            self.visit(node)

    def _member(self, receiver, name):
        """Return the full names of what may be rclpy's attribute of an object, None if none is."""
        known, last = self._members.get(name, []), receiver.rpartition(".")[2].lstrip("_")
        if self._bases and receiver == "super()":
            return self._bases if name == "__init__" else known
        if last in RECEIVERS and not name.startswith("_"):
            return known
        if self._bases and receiver == "self":
            return known or None
        return known if known and name not in self._own else None

    def _full(self, node):
        first, *others = ast.unparse(node).split(".")
        return [".".join((each, *others)) for each in self._imported.get(first, [])]

    def _add(self, node, *about, **more):
        self.found.append(Use(node.lineno, *about, **more))
