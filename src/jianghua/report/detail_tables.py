"""Tables of what `model_details` holds of one part, and of cost: a header and cells, for every format alike."""

from collections.abc import Mapping

from jianghua.evaluation.slices import SLICE_MINIMUM

CALIBRATION_COLUMNS = ["model", "answers", "ECE", "ECE if calibrated", "Brier", "AURC"]
CALIBRATION_NOTE = (
    "Of the stored probabilities, after the temperature fitted on validation, over the answers of all seeds; ECE: 15 "
    "bins of equal mass; ECE if calibrated: what a perfectly calibrated model would show on as many answers; AURC: "
    "area under the risk–coverage curve."
)
COST_COLUMNS = {
    "train_cpu_seconds": "training CPU seconds",
    "parameters": "parameters",
    "characters_per_cpu_second": "characters per CPU second",
    "cpu_seconds_per_1000_paragraphs": "CPU seconds per 1,000 paragraphs",
}
COST_NOTE = (
    "Training: mean over seeds; wall time × threads for runs that did not record their CPU time. The other columns: "
    "one run, measured by scripts/robustness.py; empty where it was not. Speed is in characters, since each model "
    "cuts tokens of its own."
)


def slice_table(details: Mapping[str, dict]) -> tuple[list[str], list[list[str]]]:
    """Share right of each model (mean over seeds): over all, in each slice, and in its worst slice."""
    first = next(iter(details.values()))
    whole = first["whole"]
    rows = [["all", "", str(whole["n"]), str(whole["documents"])]]
    rows[0] += [f"{own['whole']['correct']:.3f}" for own in details.values()]
    rows += [
        [name, group, f"{one['n']}{' (few)' if one['small'] else ''}", str(one["documents"])]
        + [f"{own['slices'][name][group]['correct']:.3f}" for own in details.values()]
        for name, groups in first["slices"].items()
        for group, one in groups.items()
    ]
    worst = [own["worst"] for own in details.values()]
    cells = ["–" if one is None else f"{one['correct']:.3f} ({one['slice']}: {one['group']})" for one in worst]
    rows.append([f"worst slice of at least {SLICE_MINIMUM} paragraphs", "", "", "", *cells])
    return ["slice", "group", "paragraphs", "documents", *details], rows


def slice_shares(details: Mapping[str, dict]) -> tuple[list[str], list[list[float]]]:
    """Names and shares right (a list a slice, a number a model) of all and of each slice, for a picture."""
    names, values = [f"all ({next(iter(details.values()))['whole']['n']})"], []
    values.append([own["whole"]["correct"] for own in details.values()])
    for name, groups in next(iter(details.values()))["slices"].items():
        for group, one in groups.items():
            names.append(f"{name}: {group} ({one['n']}{', few' if one['small'] else ''})")
            values.append([own["slices"][name][group]["correct"] for own in details.values()])
    return names, values


def calibration_table(details: Mapping[str, dict]) -> tuple[list[str], list[list[str]]]:
    """What `calibration_scores` says of each model, in the order of `CALIBRATION_COLUMNS`."""
    rows = []
    for model, own in details.items():
        one = own["calibration"]
        names = ("expected_calibration_error", "expected_calibration_error_if_calibrated", "brier")
        numbers = [*(one[name] for name in names), one["risk_coverage"]["aurc"]]
        answers = str(sum(b["n"] for b in one["reliability"]))
        rows.append([model, answers, *("–" if number is None else f"{number:.3f}" for number in numbers)])
    return CALIBRATION_COLUMNS, rows


def cost_table(costs: Mapping[str, Mapping[str, dict]]) -> tuple[list[str], list[list[str]]]:
    """What each model costs, a row a build and model; empty where it was not measured."""

    def cell(value: float | None) -> str:
        return "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)

    rows = [
        [build, model, *(cell(one.get(name)) for name in COST_COLUMNS)]
        for build, own in costs.items()
        for model, one in own.items()
    ]
    return ["build", "model", *COST_COLUMNS.values()], rows
