"""Small mechanical changes of Python code, as mutation testing makes them.

Left alone are texts, types, imports, assertions, errors and log lines: they hold no mathematics.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

COMPARISONS: dict[type, tuple[str, ...]] = {
    ast.Lt: ("<=", ">="),
    ast.LtE: ("<", ">"),
    ast.Gt: (">=", "<="),
    ast.GtE: (">", "<"),
    ast.Eq: ("!=",),
    ast.NotEq: ("==",),
    ast.Is: ("is not",),
    ast.IsNot: ("is",),
    ast.In: ("not in",),
    ast.NotIn: ("in",),
}
ARITHMETIC: dict[type, str] = {
    ast.Add: "-",
    ast.Sub: "+",
    ast.Mult: "/",
    ast.Div: "*",
    ast.FloorDiv: "*",
    ast.Mod: "*",
    ast.Pow: "*",
    ast.BitAnd: "|",
    ast.BitOr: "&",
}
NAMES = {"min": "max", "minimum": "maximum", "argmin": "argmax", "any": "all"}
NAMES |= {value: name for name, value in NAMES.items()}
METHODS = NAMES | {"sum": "mean", "mean": "sum"}
AXES = {"axis", "dim"}
UNTOUCHED_KEYWORDS = {"strict", "dtype", "initial", "warn"}
NUMBERS = ("int", "float", "Tensor", "np.ndarray", "sp.csr_matrix")


@dataclass(frozen=True)
class Change:
    """New text in place of the bytes from ``begin`` to ``end`` of a source."""

    line: int
    begin: int
    end: int
    new: str

    def apply(self, source: bytes) -> bytes:
        """The changed source."""
        return source[: self.begin] + self.new.encode() + source[self.end :]

    def words(self, source: bytes) -> str:
        """Old and new text in one line."""
        old = source[self.begin : self.end].decode()
        return " ".join(f"{old} → {self.new}".split())


def changes(source: bytes) -> list[Change]:
    """All changes of a source, in its order."""
    found = set(_Finder(source).of(ast.parse(source)))
    return sorted(found, key=lambda change: (change.begin, change.end, change.new))


class _Finder:
    """Walks a syntax tree; positions of the tree are bytes within lines."""

    def __init__(self, source: bytes) -> None:
        self.source = source
        self.starts = [0]
        for line in source.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))
        self.returns = ""

    def of(self, node: ast.AST) -> Iterator[Change]:
        """The changes of a node and of all below it."""
        if self._is_untouched(node):
            return
        before = self.returns
        if isinstance(node, ast.FunctionDef):
            self.returns = ast.unparse(node.returns) if node.returns else ""
        make = getattr(self, f"_{type(node).__name__.lower()}", None)
        if make is not None:
            yield from make(node)
        for name, value in ast.iter_fields(node):
            if name in ("annotation", "returns", "decorator_list", "type_params"):
                continue
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from self.of(child)
        self.returns = before

    def _is_untouched(self, node: ast.AST) -> bool:
        if isinstance(node, ast.keyword):
            return node.arg in UNTOUCHED_KEYWORDS
        if isinstance(node, ast.Expr):
            is_log = isinstance(node.value, ast.Call) and ast.unparse(node.value).startswith("log.")
            return is_log or isinstance(node.value, ast.Constant)
        return isinstance(
            node, ast.Raise | ast.Assert | ast.Import | ast.ImportFrom | ast.JoinedStr
        )

    def _span(self, node: ast.AST) -> tuple[int, int]:
        begin = self.starts[node.lineno - 1] + node.col_offset  # type: ignore[attr-defined]
        end = self.starts[node.end_lineno - 1] + node.end_col_offset  # type: ignore[attr-defined]
        return begin, end

    def _text(self, node: ast.AST) -> str:
        begin, end = self._span(node)
        return self.source[begin:end].decode()

    def _put(self, node: ast.AST, new: str) -> Change:
        return Change(node.lineno, *self._span(node), new)  # type: ignore[attr-defined]

    def _between(self, left: ast.AST, right: ast.AST, old: str, new: str) -> Iterator[Change]:
        """Change the operator that stands between two operands."""
        begin, end = self._span(left)[1], self._span(right)[0]
        at = self.source.find(old.encode(), begin, end)
        if at >= 0:
            line = self.source.count(b"\n", 0, at) + 1
            yield Change(line, at, at + len(old.encode()), new)

    def _compare(self, node: ast.Compare) -> Iterator[Change]:
        operands = [node.left, *node.comparators]
        for left, operator, right in zip(operands, node.ops, operands[1:], strict=False):
            for new in COMPARISONS[type(operator)]:
                yield from self._between(left, right, _symbol(operator), new)

    def _binop(self, node: ast.BinOp) -> Iterator[Change]:
        if type(node.op) in ARITHMETIC and not _is_text(node.left):
            new = ARITHMETIC[type(node.op)]
            yield from self._between(node.left, node.right, _symbol(node.op), new)

    def _boolop(self, node: ast.BoolOp) -> Iterator[Change]:
        old, new = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
        for left, right in zip(node.values, node.values[1:], strict=False):
            yield from self._between(left, right, old, new)

    def _unaryop(self, node: ast.UnaryOp) -> Iterator[Change]:
        yield self._put(node, f"({self._text(node.operand)})")

    def _constant(self, node: ast.Constant) -> Iterator[Change]:
        value = node.value
        if isinstance(value, bool):
            yield self._put(node, str(not value))
        elif isinstance(value, int):
            yield from (self._put(node, str(other)) for other in (value - 1, value + 1))
        elif isinstance(value, float):
            yield self._put(node, str(value * 2 or 1.0))

    def _keyword(self, node: ast.keyword) -> Iterator[Change]:
        if node.arg in AXES and isinstance(node.value, ast.Constant):
            yield self._put(node.value, "0" if node.value.value == 1 else "1")

    def _call(self, node: ast.Call) -> Iterator[Change]:
        function = node.func
        if isinstance(function, ast.Name) and function.id in NAMES:
            yield self._put(function, NAMES[function.id])
        if isinstance(function, ast.Attribute) and function.attr in METHODS:
            end = self._span(function)[1]
            first = end - len(function.attr)
            line = function.end_lineno or 0
            yield Change(line, first, end, METHODS[function.attr])

    def _if(self, node: ast.If | ast.IfExp) -> Iterator[Change]:
        yield self._put(node.test, f"(not ({self._text(node.test)}))")

    _ifexp = _if

    def _comprehension(self, node: ast.comprehension) -> Iterator[Change]:
        for test in node.ifs:
            yield self._put(test, f"(not ({self._text(test)}))")

    def _return(self, node: ast.Return) -> Iterator[Change]:
        if node.value is None or isinstance(node.value, ast.Constant):
            return
        text = self._text(node.value)
        if self.returns == "bool":
            yield self._put(node.value, f"(not ({text}))")
        else:
            yield self._put(node.value, f"-({text})" if self.returns in NUMBERS else "None")

    def _expr(self, node: ast.Expr) -> Iterator[Change]:
        yield self._put(node, "pass")

    _augassign = _continue = _break = _expr

    def _assign(self, node: ast.Assign) -> Iterator[Change]:
        if all(isinstance(target, ast.Subscript | ast.Attribute) for target in node.targets):
            yield self._put(node, "pass")


def _symbol(operator: ast.AST) -> str:
    """An operator as it is written."""
    name = ast.Name("x", ast.Load())
    node: ast.expr
    if isinstance(operator, ast.cmpop):
        node = ast.Compare(name, [operator], [name])
    else:
        node = ast.BinOp(name, operator, name)  # type: ignore[arg-type]
    return ast.unparse(node)[2:-2]


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
