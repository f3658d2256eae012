"""A module without what makes it asynchronous, and without its prose."""

import ast
import difflib
from collections.abc import Mapping


class _Sync(ast.NodeTransformer):
    def __init__(self, words: Mapping[str, str]) -> None:
        self.words = words

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        self.generic_visit(node)
        return ast.FunctionDef(**vars(node))

    def visit_AsyncWith(self, node: ast.AsyncWith) -> ast.AST:
        self.generic_visit(node)
        return ast.With(**vars(node))

    def visit_AsyncFor(self, node: ast.AsyncFor) -> ast.AST:
        self.generic_visit(node)
        return ast.For(**vars(node))

    def visit_Await(self, node: ast.Await) -> ast.AST:
        self.generic_visit(node)
        return node.value

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Name(self.words.get(node.id, node.id), node.ctx)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        return ast.Attribute(node.value, self.words.get(node.attr, node.attr), node.ctx)


def stripped(source: str, words: Mapping[str, str]) -> list[str]:
    """Return a module's lines as if there were no `async` and `await`, no imports, comments or docstrings.

    What is used must be imported, and nothing else may be: ruff and mypy see to that.
    """
    tree = _Sync(words).visit(ast.parse(source))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    tree.body = [node for node in tree.body if not isinstance(node, ast.Import | ast.ImportFrom)]
    return [line for line in ast.unparse(tree).splitlines() if line.strip()]


def differences(sync: str, async_: str, words: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return what is left of the difference between two modules: hunks of sync lines and async lines."""
    left, right = stripped(sync, words), stripped(async_, words)
    matcher = difflib.SequenceMatcher(None, left, right, autojunk=False)
    return [
        ("\n".join(line.strip() for line in left[i:j]), "\n".join(line.strip() for line in right[k:m]))
        for kind, i, j, k, m in matcher.get_opcodes()
        if kind != "equal"
    ]
