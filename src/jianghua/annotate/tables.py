"""The agreement report as text for a terminal."""

from jianghua.schema import LABELS

QUESTIONS = ("primary", *LABELS)


def agreement_tables(report: dict) -> str:
    """Tables of `agreement.agreement_report`, with the counts of gold under `report["gold"]`."""
    raters = ", ".join(f"{rater} {votes}" for rater, votes in report["raters"].items())
    lines = [f"{report['paragraphs']} paragraphs of {report['documents']} documents; votes: {raters}", ""]
    lines += _questions("all votes", report["all"])
    for name, parts in report["slices"].items():
        for part, questions in parts.items():
            if len(parts) > 1:
                lines += _questions(f"{name}: {part}", questions)
    for pair in report["pairs"]:
        if len(report["raters"]) > 2:
            lines += _questions(" × ".join(pair["raters"]), pair["questions"])
        lines += _confusion(pair, report["categories"])
    for pair in report.get("against_gold", []):
        lines += _questions(" × ".join(pair["raters"]), pair["questions"])
        lines += _confusion(pair, report["categories"])
    gold = report["gold"]
    lines.append(
        f"gold: {gold['primary']} primary, {gold['functions']} functions, {gold['disputed']} of them disputed; "
        f"{gold['open']} paragraphs wait for a decision"
    )
    return "\n".join(lines)


def _questions(title: str, questions: dict) -> list[str]:
    lines = [f"{title:<34} {'alpha':>6}  {'95 % interval':>16}  {'agree':>7}  {'paragraphs':>10}  {'documents':>9}"]
    for name in QUESTIONS:
        row = questions[name]
        interval = "–" if row["low"] is None else f"[{row['low']:.3f}, {row['high']:.3f}]"
        alpha = "–" if row["alpha"] is None else f"{row['alpha']:.3f}"
        percent = "–" if row["percent"] is None else f"{row['percent']:.1f} %"
        lines.append(
            f"  {name:<32} {alpha:>6}  {interval:>16}  {percent:>7}  {row['units']:>10}  {row['documents']:>9}"
        )
    return [*lines, ""]


def _confusion(pair: dict, categories: list[str]) -> list[str]:
    first, second = pair["raters"]
    lines = [f"primary: rows {first}, columns {second}"]
    lines.append(" " * 14 + "".join(f"{name:>11}" for name in categories))
    for name, counts in zip(categories, pair["confusion"], strict=True):
        lines.append(f"  {name:<12}" + "".join(f"{count:>11}" for count in counts))
    return [*lines, ""]
