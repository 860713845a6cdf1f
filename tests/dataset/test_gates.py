"""The gates: what they measure on made-up rows, and that the data in the tree passes them."""

import pytest

from jianghua.annotate import (
    agreement_report,
    newest_round,
    read_annotators,
    read_packet,
    read_sources,
    read_votes,
    standard_slices,
)
from jianghua.dataset import build, load_build, read_index
from jianghua.dataset.card import agreement_measures, read_set_phrases
from jianghua.dataset.gates import closest_between_splits, distinct_ratio, gates, repeated_strings, shortcuts, transfer
from jianghua.schema import SPLITS

PHRASE = "全面贯彻落实会议精神和上级部署"


def row(n, text, label=0, doc=None, source="constructed", position=0):
    doc = doc or f"d{n:03d}"
    return {"id": f"{doc}-{position:03d}", "doc_id": doc, "text": text, "label": label, "functions": [label]} | {
        "source": source,
        "position": position,
        "sha256": f"{n:064d}",
    }


def test_a_string_of_twelve_characters_in_four_documents_is_found_unless_it_is_a_set_phrase():
    rows = [row(n, f"第{n}，{PHRASE}，{n * 7919}号文件。") for n in range(4)]
    assert repeated_strings(rows)
    assert not repeated_strings(rows[:3])
    assert not repeated_strings(rows, [PHRASE])


def test_a_set_phrase_excuses_what_stands_within_it_and_not_the_words_around_it():
    rows = [row(n, f"{PHRASE}，{n * 7919}号文件。") for n in range(4)]
    assert repeated_strings(rows, ["贯彻落实"])
    assert set(repeated_strings(rows, [PHRASE[1:]])) == {PHRASE[:12]}


def test_text_that_repeats_itself_has_few_distinct_4_grams():
    same = [row(n, "要抓紧落实各项工作任务") for n in range(20)]
    other = [row(n, "".join(chr(0x4E00 + (n * 97 + i * 31) % 5000) for i in range(11))) for n in range(20)]
    assert distinct_ratio(same, 100) < 0.2 < 0.9 < distinct_ratio(other, 100)


def test_the_closest_pair_counts_only_between_splits():
    text = "今年三月，镇党委书记带领班子成员走完全镇十九个村，当场解决灌溉渠清淤等事项二十六件。"
    rows = {split: [] for split in SPLITS}
    rows["train"] = [row(1, text), row(2, text)]
    rows["test"] = [row(3, "同学们，秋天到了，图书馆今天重新开放。")]
    assert closest_between_splits(rows) < 0.1
    rows["test"].append(row(4, text[:-6]))
    assert closest_between_splits(rows) > 0.8


def test_a_label_that_length_gives_away_fails_the_gate_of_length_and_no_other_need_fail():
    rows = [
        row(n, "甲乙丙丁"[n // 4 % 4] * (20 + 60 * (n % 4) + n % 23), label=n % 4, doc=f"d{n // 8}", position=n % 8)
        for n in range(160)
    ]
    measured = {m.name: m for m in shortcuts(rows)}
    assert measured["length alone"].value > 0.7
    assert not measured["length alone"].holds


def test_transfer_is_one_where_both_sources_teach_the_same_and_none_without_public_text():
    words = ["表彰先进成绩显著", "存在差距问题突出", "必须抓好落实到位", "那天夜里他敲开了门"]
    rows = {split: [] for split in SPLITS}
    for n in range(400):
        split, source = ("train", "validation")[n % 2], ("constructed", "public")[n // 200]
        rows[split].append(row(n, f"{words[n // 2 % 4]}，第{n}号", n // 2 % 4, source=source))
    moved = transfer(rows)
    assert moved["ratio"] == moved["low"] == moved["high"] == pytest.approx(1.0)
    assert moved["functions"] == ["praise", "criticism", "directive", "anecdote"]
    only = {split: [r for r in part if r["source"] == "constructed"] for split, part in rows.items()}
    assert transfer(only) is None


def test_the_interval_of_transfer_is_wide_where_documents_differ_in_it():
    words = ["表彰先进成绩显著", "存在差距问题突出", "必须抓好落实到位", "那天夜里他敲开了门"]
    other = ["芝麻开花节节高", "阴沟里翻了大船", "明早六点出发", "他拄着拐杖来过"]
    rows = {split: [] for split in SPLITS}
    for n in range(400):
        split, source = ("train", "validation")[n % 2], ("constructed", "public")[n // 200]
        # every third public document has words that only public text teaches
        of = other if source == "public" and n // 20 % 3 == 0 else words
        text = f"{of[n // 2 % 4]}，第{n}号"
        rows[split].append(row(n, text, n // 2 % 4, source=source, doc=f"{source}{split}{n // 20}"))
    moved = transfer(rows)
    assert moved["public"] == pytest.approx(1.0)
    assert moved["low"] + 0.1 < moved["ratio"] < moved["high"] - 0.02


# what this version of the data does not reach yet; the card says so, and reaching it must fail this test
def failed(rows, data):
    measured = gates(rows, read_set_phrases(data))
    return {m.name for m in measured["measures"] + measured["shortcuts"]["constructed"] if not m.holds}


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_the_constructed_build_passes_every_gate(root):
    rows = {c: load_build(root / "data/jianghua", c).rows for c in ("primary", "functions")}
    assert failed(rows, root / "data") == set()


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_the_full_build_passes_every_gate(root, public_folder):
    assert failed(build(root / "data", public_folder).rows, root / "data") == set()


def test_the_corpus_has_the_promised_size_and_spread(root):
    index = read_index(root / "data", "full")
    of = {source: [row for row in index if row["source"] == source] for source in ("constructed", "public")}
    assert len(index) >= 3500
    assert len({row["doc_id"] for row in index}) >= 200
    assert len(of["constructed"]) >= 2000
    assert len(of["public"]) >= 1500
    for label in (0, 1, 2, 3, None):
        assert sum(row["label"] == label for row in index) >= 300, label
    assert sum(len(row["functions"]) > 1 for row in index) >= 600
    for source, least in (("constructed", 250), ("public", 300)):
        test = [row for row in of[source] if row["split"] == "test" and row["label"] is not None]
        assert len(test) >= least
        assert len({row["doc_id"] for row in test}) >= 20
    assert sum(row["label"] == 1 and row["split"] == "test" for row in of["public"]) >= 30


def test_every_paragraph_has_three_protocols_a_thousand_have_four_and_enough_are_disputed(root):
    index = read_index(root / "data", "full")
    protocols = [{vote["protocol"] for vote in row["votes"]} for row in index]
    assert all({"alone", "in_document", "sentences"} <= names for names in protocols)
    assert sum("names_only" in names for names in protocols) >= 1000
    disputed = sum(row["agreement_functions"] < 1 or (row["agreement_primary"] or 1) < 1 for row in index)
    assert disputed >= 0.15 * len(index)


def test_the_votes_agree_as_promised_on_paragraphs_that_did_not_shape_the_guidelines(root):
    folder = root / "data/annotations"
    index = {row["id"] for row in read_index(root / "data", "full")}
    votes = [vote for vote in newest_round(read_votes(folder)) if vote.id in index]
    slices = standard_slices(votes, read_sources(root / "data/speeches"), read_annotators(folder))
    measures = agreement_measures(agreement_report(votes, slices, replicates=2), None)
    assert {measure.limit for measure in measures} == {500, 0.8, 0.7}
    assert [measure.name for measure in measures if not measure.holds] == []


def test_the_packet_for_people_is_balanced_over_sources_labels_and_disputes_and_is_of_this_data(root):
    index = {row["id"]: row for row in read_index(root / "data", "full")}
    rows = [(sha256, index[i]) for sha256, i in read_packet(root / "data/packet.jsonl").items()]
    assert len(rows) == 300
    assert all(row["sha256"] == sha256 for sha256, row in rows)
    cells = {
        "source": [row["source"] for _, row in rows],
        "label": [row["label"] for _, row in rows],
        "disputed": [row["agreement_functions"] < 1 or (row["agreement_primary"] or 1) < 1 for _, row in rows],
    }
    for name, of in cells.items():
        even = 300 / len(set(of))
        assert all(0.85 * even < of.count(one) < 1.15 * even for one in set(of)), name
