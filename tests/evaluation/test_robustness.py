"""Perturbations keep what they should and are fixed; drops are paired; minimal pairs are read strictly and scored."""

import json

import numpy as np
import pytest

from jianghua.evaluation.confusables import HOMOPHONES, LOOKALIKES
from jianghua.evaluation.contrast import ContrastPair, check_pairs, contrast_scores
from jianghua.evaluation.robustness import PERTURBATIONS, RATE, perturbed, robustness_scores
from jianghua.files import read_jsonl, write_jsonl
from jianghua.schema import LABELS, BadData, BadUsage

TEXT = "一是抓责任落实，3月底前完成50%的任务。（二）要加强督查；同志们，时间不等人！"
WITHOUT_OPENCC = [name for name in PERTURBATIONS if name != "traditional"]


@pytest.fixture(scope="module")
def rows(root):
    from jianghua.dataset import load_build

    return load_build(root / "data/jianghua", "primary").rows["test"][:120]


@pytest.mark.parametrize("name", WITHOUT_OPENCC)
def test_a_text_is_spoilt_alike_in_any_company_and_otherwise_by_another_seed(name, rows):
    texts = [row["text"] for row in rows]
    once = perturbed(texts, name, seed=3)
    assert perturbed(texts[::-1], name, seed=3)[::-1] == once
    assert perturbed(texts[5:6], name, seed=3) == once[5:6]
    assert once != texts
    random = name in ("scanning_errors", "homophones", "site_artefacts")
    assert (perturbed(texts, name, seed=4) != once) == random


def test_punctuation_and_digits_change_their_width_and_nothing_else():
    half = perturbed([TEXT], "half_width_punctuation")[0]
    assert half == "一是抓责任落实,3月底前完成50%的任务.(二)要加强督查;同志们,时间不等人!"
    full = perturbed([TEXT], "full_width_digits")[0]
    assert full == TEXT.replace("3", "３").replace("50%", "５０％")


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (TEXT, "抓责任落实，3月底前完成50%的任务。要加强督查；同志们，时间不等人！"),
        ("第一，要守纪律。第二，要守规矩。", "要守纪律。要守规矩。"),
        ("1.清理库存。2、公开账目。", "清理库存。公开账目。"),
        ("今年完成1.5亿元，一是一、二是二。", "今年完成1.5亿元，一是一、二是二。"),
        ("三、", "三、"),
    ],
)
def test_enumeration_goes_from_the_start_of_sentences_only(text, left):
    assert perturbed([text], "no_enumeration") == [left]


@pytest.mark.parametrize(("name", "table"), [("homophones", HOMOPHONES), ("scanning_errors", LOOKALIKES)])
def test_wrong_characters_are_few_and_from_the_table(name, table, rows):
    for row in rows:
        spoilt = perturbed([row["text"]], name)[0]
        assert len(spoilt) == len(row["text"])
        wrong = [(old, new) for old, new in zip(row["text"], spoilt, strict=True) if old != new]
        assert 1 <= len(wrong) <= max(1, round(RATE * len(spoilt)))
        assert all(new in table[old] for old, new in wrong)


@pytest.mark.parametrize("table", [HOMOPHONES, LOOKALIKES])
def test_no_wrong_character_makes_another_number_or_negation(table):
    assert not set("一二三四五六七八九十百千万亿不没未无非否") & (set(table) | set("".join(table.values())))
    assert all(char not in others and len(set(others)) == len(others) for char, others in table.items())


def test_a_notice_of_a_site_leaves_the_text_whole():
    spoilt = perturbed([TEXT], "site_artefacts")[0]
    assert len(spoilt) > len(TEXT)
    at = next(i for i, (a, b) in enumerate(zip(TEXT + "。", spoilt, strict=False)) if a != b)
    assert spoilt.startswith(TEXT[:at])
    assert spoilt.endswith(TEXT[at:])


def test_traditional_script_is_that_of_opencc():
    opencc = pytest.importorskip("opencc")
    assert perturbed(["这里的干部"], "traditional") == [opencc.OpenCC("s2t").convert("这里的干部")] == ["這裏的幹部"]


def test_a_perturbation_that_does_not_exist_is_refused_by_name():
    with pytest.raises(BadUsage, match=r"'upside_down': there are half_width"):
        perturbed(["好。"], "upside_down")


def by_heart(rows):
    """A model that knows the clean texts by heart, and says directive to any other."""
    gold = {row["text"]: row["label"] for row in rows}
    return lambda texts: [gold.get(text, 2) for text in texts]


def test_a_model_that_needs_the_clean_text_loses_all_of_its_score_and_the_interval_says_so(rows):
    part = robustness_scores(rows, by_heart(rows), "primary", names=["half_width_punctuation", "no_enumeration"])
    assert part["clean"]["value"] == 1
    half = part["perturbations"]["half_width_punctuation"]
    assert half["drop"]["value"] == pytest.approx(1 - half["macro_f1"]["value"])
    assert 0 < half["drop"]["low"] <= half["drop"]["value"] <= half["drop"]["high"]
    assert half["drop"]["p_holm"] < 0.01
    spoilt = perturbed([row["text"] for row in rows], "half_width_punctuation")
    lost = np.mean([row["label"] != 2 and row["text"] != new for row, new in zip(rows, spoilt, strict=True)])
    assert half["flips"]["value"] == pytest.approx(lost)
    marked = part["perturbations"]["no_enumeration"]
    assert marked["changed"] < half["changed"]
    assert marked["flips"]["value"] <= marked["changed"]


def test_a_model_that_answers_all_alike_loses_nothing(rows):
    part = robustness_scores(rows, lambda texts: [0] * len(texts), "primary", names=WITHOUT_OPENCC)
    for one in part["perturbations"].values():
        assert one["drop"]["value"] == one["drop"]["low"] == one["drop"]["high"] == 0
        assert one["flips"]["value"] == 0


def test_one_document_has_a_drop_and_no_interval(rows):
    own = [row for row in rows if row["doc_id"] == rows[0]["doc_id"]]
    part = robustness_scores(own, by_heart(own), "primary", names=["half_width_punctuation"])
    drop = part["perturbations"]["half_width_punctuation"]["drop"]
    assert drop["value"] > 0
    assert (drop["low"], drop["high"], drop["p_holm"]) == (None, None, None)


def test_functions_are_compared_as_sets(root):
    from jianghua.dataset import load_build

    rows = load_build(root / "data/jianghua", "functions").rows["test"][:60]
    gold = {row["text"]: row["functions"] for row in rows}
    part = robustness_scores(rows, lambda texts: [gold.get(t, []) for t in texts], "functions", names=["homophones"])
    assert part["clean"]["value"] == 1
    with_functions = np.mean([bool(row["functions"]) for row in rows])
    assert part["perturbations"]["homophones"]["flips"]["value"] == pytest.approx(with_functions)


PAIR = {
    "id": "k1",
    "of": None,
    "text_a": "经管站的同志是出了力的，账没有错。",
    "label_a": "praise",
    "text_b": "经管站的同志是没有出力的，账错了。",
    "label_b": "criticism",
    "what_changed": "出力改为没有出力",
}
BROKEN = {
    "same label": ({"label_b": "praise"}, "must change the label"),
    "unknown label": ({"label_b": "blame"}, "unknown label 'blame'"),
    "same text": ({"text_b": PAIR["text_a"]}, "its texts are the same"),
    "another paragraph": ({"text_b": "春运即将开始，请各校报名单。"}, "a minimal pair at least 50%"),
    "empty": ({"what_changed": " "}, "what_changed is empty"),
    "missing": ({"text_b": None}, "field 'text_b' should be str"),
    "misspelt": ({"what_chnged": "x"}, "unknown field 'what_chnged'"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_pair_that_will_not_do_is_refused_with_its_line(case, tmp_path):
    change, says = BROKEN[case]
    write_jsonl(tmp_path / "pairs.jsonl", [PAIR, PAIR | {"id": "k2"} | change])
    with pytest.raises(BadData) as error:
        read_jsonl(tmp_path / "pairs.jsonl", ContrastPair.from_json)
    assert says in str(error.value)
    assert "pairs.jsonl:2" in str(error.value)


def test_pairs_that_repeat_or_come_from_train_are_refused():
    one = ContrastPair.from_json(PAIR)
    check_pairs([one], {})
    with pytest.raises(BadData, match="its id stands in pair 'k1' already"):
        check_pairs([one, one], {})
    with pytest.raises(BadData, match="its text stands in pair 'k1' already"):
        check_pairs([one, ContrastPair.from_json(PAIR | {"id": "k2"})], {})
    taken = ContrastPair.from_json(PAIR | {"of": "c001-002"})
    with pytest.raises(BadData, match="is in train; it takes a test paragraph"):
        check_pairs([taken], {"c001-002": "train"})
    with pytest.raises(BadData, match="is not a paragraph of the dataset"):
        check_pairs([taken], {})
    with pytest.raises(BadData, match="no contrast pairs"):
        check_pairs([], {})


def stored_pairs(root):
    return read_jsonl(root / "data/contrast/pairs.jsonl", ContrastPair.from_json)


def test_the_stored_pairs_are_made_of_test_paragraphs_or_of_none(root):
    from jianghua.dataset import read_index

    pairs = stored_pairs(root)
    check_pairs(pairs, {row["id"]: row["split"] for row in read_index(root / "data", "full")})
    assert {pair.label_b for pair in pairs} | {pair.label_a for pair in pairs} <= set(LABELS)


def test_a_pair_is_right_only_if_both_sides_are(root):
    pairs = stored_pairs(root)
    gold = {pair.text_a: LABELS.index(pair.label_a) for pair in pairs}
    gold |= {pair.text_b: LABELS.index(pair.label_b) for pair in pairs}
    perfect = contrast_scores(pairs, lambda texts: [gold[text] for text in texts], "primary")
    assert perfect["pair_accuracy"]["value"] == 1
    assert perfect["same_answer"]["value"] == 0
    assert perfect["wrong"] == []
    first = {pair.text_a for pair in pairs}
    by_topic = contrast_scores(
        pairs, lambda texts: [gold[t] if t in first else (gold[t] + 1) % 4 for t in texts], "primary"
    )
    assert (by_topic["accuracy_a"]["value"], by_topic["accuracy_b"]["value"]) == (1, 0)
    assert by_topic["pair_accuracy"]["value"] == 0
    assert sum(change["n"] for change in by_topic["by_change"].values()) == len(pairs) == len(by_topic["wrong"])


def test_for_functions_a_side_needs_its_label_and_not_the_other():
    pair = ContrastPair.from_json(PAIR)
    both = contrast_scores([pair], lambda texts: [[0, 1], [1, 2]], "functions")
    assert both["accuracy_a"]["value"] == 0
    assert both["accuracy_b"]["value"] == 1
    assert both["pair_accuracy"]["low"] is None


@pytest.fixture(scope="module")
def trained(tmp_path_factory, run_script):
    """A run folder of TF-IDF on the constructed build, as train.py leaves it."""
    folder = tmp_path_factory.mktemp("runs")
    result = run_script("train", "model=tfidf", "output_dir=跑（1）", cwd=folder)
    assert result.returncode == 0, result.stderr
    return folder / "跑（1）"


@pytest.mark.slow
def test_a_trained_run_is_perturbed_printed_and_stored_alike_twice(trained, run_script, tmp_path):
    names = "perturbations=[" + ",".join(WITHOUT_OPENCC) + "]"
    stored = []
    for output in ("a.json", "b.json"):
        result = run_script("robustness", f"run={trained}", names, f"output={output}", cwd=tmp_path)
        assert result.returncode == 0, result.stderr
        stored.append(json.loads((tmp_path / output).read_text("utf-8")))
    assert "homophones" in result.stdout
    assert "both right" in result.stdout
    metrics = json.loads((trained / "metrics.json").read_text("utf-8"))["split"]["test"]
    for record in stored:
        cost = record.pop("cost")
        assert cost["parameters"] > 1000
        assert cost["characters_per_cpu_second"] > 0
        clean = record["parts"]["test"]["clean"]
        assert clean["value"] == pytest.approx(metrics["macro_f1"]["value"])
        assert clean["low"] == pytest.approx(metrics["macro_f1"]["low"])
        assert set(record["parts"]["test"]["perturbations"]) == set(WITHOUT_OPENCC)
        assert record["contrast"]["pair_accuracy"]["n"] >= 100
    assert stored[0] == stored[1]


@pytest.mark.slow
def test_minimal_pairs_can_be_left_out(trained, run_script, tmp_path):
    options = ["perturbations=[full_width_digits]", "pairs=null", "output=a.json"]
    result = run_script("robustness", f"run={trained}", *options, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "contrast" not in json.loads((tmp_path / "a.json").read_text("utf-8"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("option", "says"),
    [
        ("perturbations=5", "perturbations= takes a list, as [5]"),
        ("perturbations=[]", "names each once, and one at least"),
        ("perturbations=[homophones,homophones]", "names each once, and one at least"),
        ("output=.", "a folder; it takes a file"),
    ],
)
def test_options_that_make_no_sense_are_refused_before_anything_is_measured(
    trained, run_script, tmp_path, option, says
):
    result = run_script("robustness", f"run={trained}", option, cwd=tmp_path)
    assert (result.returncode, result.stderr.count("\n")) == (2, 1), result.stderr
    assert says in result.stderr


@pytest.mark.slow
def test_a_model_that_did_not_make_the_runs_predictions_is_refused(trained, root, run_script, tmp_path):
    import shutil

    other = tmp_path / "other"
    shutil.copytree(trained, other)
    config = json.loads((other / "model/config.json").read_text("utf-8"))
    majority = {key: config[key] for key in ("problem_type", "id2label", "label2id", "thresholds")}
    majority |= {"model_type": "majority", "priors": [0.1, 0.1, 0.7, 0.1]}
    (other / "model/config.json").write_text(json.dumps(majority), "utf-8")
    result = run_script("robustness", "run=other", "perturbations=[homophones]", cwd=tmp_path)
    assert result.returncode == 1
    assert "unlike the run" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert not (other / "robustness.json").exists()
