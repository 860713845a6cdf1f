"""What a model answers when a paragraph is spoilt in a way that leaves its function alone.

A perturbation is a function of a text and a random generator. The generator depends on the seed, the
perturbation's name and the text, so a paragraph is spoilt alike wherever and in whatever order it stands.
Scores of the spoilt and of the clean paragraphs are compared on the same documents.
"""

import hashlib
import random
import re
from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np

from jianghua.evaluation.compare import holm, paired_bootstrap, paired_randomisation
from jianghua.evaluation.confusables import HOMOPHONES, LOOKALIKES
from jianghua.evaluation.intervals import documents_of, sum_by_document
from jianghua.evaluation.measure import item_counts, share, with_interval
from jianghua.evaluation.metrics import macro_f1
from jianghua.evaluation.score import as_array, headline_labels, targets
from jianghua.schema import LABELS, BadData, BadUsage

RATE = 0.03  # share of characters that an input method or a scanner gets wrong; at least one
_HALF = str.maketrans("，。；：？！（）“”‘’、", ",.;:?!()\"\"'',")
_FULL = {code: code + 0xFEE0 for code in (*range(ord("0"), ord("9") + 1), ord("%"))}
_MARKER = re.compile(
    r"(?:^|(?<=[。；;！？!?]))\s*(?:[（(](?:[NUM]{1,3}|\d{1,2})[）)]|第[NUM]{1,3}[，、,：:]|[NUM]{1,3}[是、]|"
    r"\d{1,2}[.．、](?!\d)|[①-⑳]|其[NUM][，、,：:])\s*".replace("NUM", "一二三四五六七八九十")
)
_ARTEFACTS = (
    "【字体：大 中 小】",
    "打印本页 关闭窗口",
    "（责任编辑：admin）",
    "点击查看更多",
    "扫一扫在手机打开当前页",
    "来源：本网站 浏览次数：1024",
    "分享到：微信 微博",
    "上一篇 下一篇",
    "&nbsp;&nbsp;",
    "（未完，接下页）",
)
_SENTENCE_END = re.compile(r"[。！？；]")


def half_width_punctuation(text: str, rng: random.Random) -> str:
    return text.translate(_HALF)


def full_width_digits(text: str, rng: random.Random) -> str:
    return text.translate(_FULL)


@lru_cache(maxsize=1)
def _to_traditional() -> Callable[[str], str]:
    try:
        from opencc import OpenCC
    except ImportError:
        raise BadUsage("the perturbation `traditional` needs pip install 'jianghua[robustness]' (OpenCC)") from None
    return OpenCC("s2t").convert


def traditional(text: str, rng: random.Random) -> str:
    return _to_traditional()(text)


def _replace(text: str, rng: random.Random, table: dict[str, str]) -> str:
    places = [i for i, char in enumerate(text) if char in table]
    if not places:
        return text
    chars = list(text)
    for i in rng.sample(places, min(len(places), max(1, round(RATE * len(text))))):
        chars[i] = rng.choice(table[chars[i]])
    return "".join(chars)


def scanning_errors(text: str, rng: random.Random) -> str:
    return _replace(text, rng, LOOKALIKES)


def homophones(text: str, rng: random.Random) -> str:
    return _replace(text, rng, HOMOPHONES)


def no_enumeration(text: str, rng: random.Random) -> str:
    return _MARKER.sub("", text) or text


def site_artefacts(text: str, rng: random.Random) -> str:
    """One notice of a web page after a sentence, the last included, so a paragraph of one sentence has it too."""
    ends = [match.end() for match in _SENTENCE_END.finditer(text)] or [len(text)]
    place = rng.choice(ends)
    return text[:place] + rng.choice(_ARTEFACTS) + text[place:]


PERTURBATIONS = {  # name → how it spoils a text; docs/evaluation.md says where a reader of speeches meets each
    one.__name__: one
    for one in (
        half_width_punctuation,
        full_width_digits,
        traditional,
        scanning_errors,
        homophones,
        no_enumeration,
        site_artefacts,
    )
}


def perturbed(texts: Sequence[str], name: str, seed: int = 1) -> list[str]:
    """`texts` spoilt by the perturbation `name`; a text without anything to spoil stays as it is."""
    if name not in PERTURBATIONS:
        raise BadUsage(f"perturbation {name!r}: there are {', '.join(PERTURBATIONS)}")

    def generator(text: str) -> random.Random:
        return random.Random(f"{seed}:{name}:{hashlib.sha256(text.encode()).hexdigest()}")

    return [PERTURBATIONS[name](text, generator(text)) for text in texts]


def robustness_scores(
    rows: Sequence[dict],
    answer: Callable[[list[str]], Sequence],
    config: str,
    *,
    names: Sequence[str] = tuple(PERTURBATIONS),
    seed: int = 1,
    clean: Sequence | None = None,
) -> dict:
    """Scores of one part (see `scored_parts`), clean and under each perturbation.

    `rows` have their text; `answer` gives what a model decides for texts: class ids, or lists of ids for
    `functions`; `clean` is what it decided for the paragraphs as they are, where that is known already.

    Keys: `labels` (macro-F1 is over the part's headline labels), `clean` (macro-F1 with interval),
    `perturbations`: name → `changed` (share of paragraphs it changes at all), `macro_f1`, `drop` (clean
    minus spoilt, `low` and `high` paired over documents, `p_holm` corrected over the perturbations) and `flips`
    (share of paragraphs whose answer changes, with its interval). Fewer than three documents have no intervals.
    """
    if not rows:
        raise BadData("no paragraphs to perturb")
    texts = [row["text"] for row in rows]
    head = headline_labels(rows, config) or list(range(len(LABELS)))
    gold = targets(rows, config)
    numbers, documents = documents_of([row["doc_id"] for row in rows])
    clean = as_array(answer(texts) if clean is None else clean, config)

    def by_document(decided: np.ndarray) -> np.ndarray:
        return sum_by_document(item_counts(gold, decided), numbers, documents)

    def score(counts: np.ndarray) -> np.ndarray:
        return macro_f1(counts, head)

    before = by_document(clean)
    result = {
        "labels": [LABELS[i] for i in head],
        "clean": with_interval(before, score, len(rows)),
        "perturbations": {},
    }
    p_values = []
    for name in names:
        spoilt = perturbed(texts, name, seed)
        changed = [i for i, (old, new) in enumerate(zip(texts, spoilt, strict=True)) if old != new]
        decided = clean.copy()
        if changed:
            decided[changed] = as_array(answer([spoilt[i] for i in changed]), config)
        after = by_document(decided)
        flipped = (decided != clean).reshape(len(rows), -1).any(1)
        pair = paired_bootstrap(before[None], after[None], labels=head)
        p_values.append(paired_randomisation(before[None], after[None], labels=head)["p_value"])
        flips = sum_by_document(np.stack([flipped, np.ones(len(rows))], 1).astype(float), numbers, documents)
        result["perturbations"][name] = {
            "changed": len(changed) / len(rows),
            "macro_f1": with_interval(after, score, len(rows)),
            "drop": {"value": pair["difference"], "low": pair["low"], "high": pair["high"]},
            "flips": with_interval(flips, share, len(rows)),
        }
    adjusted = p_values if None in p_values else holm(p_values)
    for one, p in zip(result["perturbations"].values(), adjusted, strict=True):
        one["drop"]["p_holm"] = p
    return result
