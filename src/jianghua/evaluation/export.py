"""The module for the library `evaluate`, written from this room's own code, so that both give the same numbers.

    python -m jianghua.evaluation.export metrics/jianghua

It holds the whole of metrics.py, intervals.py and measure.py, and so runs where this package is not installed.
"""

import ast
import sys
from pathlib import Path

from jianghua.schema import LABELS

PARTS = ("metrics", "intervals", "measure")
HEAD = '''\
"""Scores of the benchmark Jianghua for the library `evaluate`.

Written by `python -m jianghua.evaluation.export metrics/jianghua`; change the files it is made of instead:
src/jianghua/evaluation/{metrics,intervals,measure,export}.py.
"""
'''
TAIL = '''
_DESCRIPTION = """\\
Scores of Jianghua, functions of paragraphs in Chinese officials' speeches: macro-, micro- and per-class F1,
accuracy, balanced accuracy, Matthews' correlation and the confusion matrix for `primary`; macro-, micro- and
sample F1, exact match and average precision for `functions`. With the documents the paragraphs come from,
95 % intervals by resampling documents.
"""

_KWARGS_DESCRIPTION = """\\
Args:
    predictions: class ids 0 to 3 (`primary`), or lists of class ids, which may be empty (`functions`).
    references: the same of the gold labels.
    doc_ids: the document of each paragraph; without it, or with fewer than three, there are no intervals.
    proba: for `functions`, four probabilities a paragraph; adds the average precision of each function.
Returns:
    a dictionary; a score is {"value", "low", "high", "n", "documents"}, undefined numbers are None.
Examples:
    >>> metric = evaluate.load("metrics/jianghua", "primary")
    >>> scores = metric.compute(predictions=[0, 2, 2, 1], references=[0, 2, 1, 1], doc_ids=["a", "a", "b", "c"])
    >>> round(scores["macro_f1"]["value"], 3)
    0.778
"""


def _sets(rows) -> np.ndarray:
    table = np.zeros((len(rows), len(LABELS)), dtype=bool)
    for row, found in zip(table, rows, strict=True):
        row[list(found)] = True
    return table


def _check(name: str, ids) -> None:
    wrong = [i for i in ids if not 0 <= i < len(LABELS)]
    if wrong:
        raise ValueError(f"{name} hold the class {wrong[0]}; the classes are 0 to {len(LABELS) - 1}")


@evaluate.utils.file_utils.add_start_docstrings(_DESCRIPTION, _KWARGS_DESCRIPTION)
class Jianghua(evaluate.Metric):
    """See the description; `config_name` is `primary` (the default) or `functions`."""

    def _info(self):
        if self.config_name not in ("default", "primary", "functions"):
            raise ValueError(f"configuration {self.config_name!r}: the configurations are primary and functions")
        one = datasets.Value("int64")
        kind = datasets.Sequence(one) if self.config_name == "functions" else one
        return evaluate.MetricInfo(
            description=_DESCRIPTION,
            citation="",
            inputs_description=_KWARGS_DESCRIPTION,
            features=datasets.Features({"predictions": kind, "references": kind}),
        )

    def _compute(self, predictions, references, doc_ids=None, proba=None):
        if doc_ids is not None and len(doc_ids) != len(references):
            raise ValueError(f"{len(doc_ids)} document ids for {len(references)} paragraphs")
        if self.config_name == "functions":
            for name, rows in (("predictions", predictions), ("references", references)):
                _check(name, [i for row in rows for i in row])
            scores = None if proba is None else np.asarray(proba, dtype=float)
            if scores is not None and scores.shape != (len(references), len(LABELS)):
                raise ValueError(f"proba is {scores.shape}, not ({len(references)}, {len(LABELS)})")
            return measure(_sets(references), _sets(predictions), "functions", scores, doc_ids)
        for name, ids in (("predictions", predictions), ("references", references)):
            _check(name, ids)
        gold, predicted = np.asarray(references, dtype=int), np.asarray(predictions, dtype=int)
        return measure(gold, predicted, "primary", None, doc_ids)
'''


def _body(source: str) -> tuple[list[ast.stmt], str]:
    """The imports that are not this package's, and the code below the docstring and the imports."""
    imports, last = [], 0
    for node in ast.parse(source).body:
        docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if not docstring and not isinstance(node, ast.Import | ast.ImportFrom):
            break
        own = isinstance(node, ast.ImportFrom) and (node.module or "").startswith("jianghua")
        if not docstring and not own:
            imports.append(node)
        last = node.end_lineno
    return imports, "\n".join(source.splitlines()[last:]).strip("\n")


def evaluate_module() -> str:
    """The text of metrics/jianghua/jianghua.py."""
    parts = [_body(Path(__file__).with_name(f"{name}.py").read_text(encoding="utf-8")) for name in PARTS]
    nodes = [node for imports, _ in parts for node in imports]
    plain = {ast.unparse(node) for node in nodes if isinstance(node, ast.Import)}
    plain |= {"import datasets", "import evaluate"}
    names: dict[str, set[str]] = {}
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            names.setdefault(node.module, set()).update(alias.name for alias in node.names)
    named = [f"from {module} import {', '.join(sorted(found))}" for module, found in sorted(names.items())]
    bodies = [f"# from src/jianghua/evaluation/{name}.py\n{body}" for name, (_, body) in zip(PARTS, parts, strict=True)]
    code = "\n\n\n".join(bodies)
    return "\n".join([HEAD, *named, "", *sorted(plain), "", f"LABELS = {LABELS!r}", "", code, TAIL])


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "jianghua.py").write_text(evaluate_module(), encoding="utf-8")
