"""What must hold of the data: no templates, no shortcuts, no leaks, and constructed text that transfers.

Everything is measured on the rows of a build, the shortcuts by cross-validation over documents on
train and validation paragraphs; test paragraphs are only compared with the others for leaks.
"""

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from jianghua.annotate.audit import character_grams, logistic_regression, out_of_fold, tfidf
from jianghua.dataset.duplicates import NOT_TEXT, similarities_between
from jianghua.schema import LABELS, SPLITS

PHRASE_LENGTH, MOST_DOCUMENTS, MOST_SET_PHRASES = 12, 3, 100
KEYWORDS = 20  # single words a class
OPENING = 10  # characters
FOLDS = 5
RESAMPLES = 2000  # of the public validation documents
TRANSFER_MINIMUM = 15  # paragraphs a function must have in public train and public validation to be compared


@dataclass(frozen=True)
class Measure:
    """A figure of the data; `limit` is None where it is reported and not capped."""

    name: str
    value: float
    limit: float | None = None
    at_least: bool = False

    @property
    def holds(self) -> bool:
        return self.limit is None or (self.value >= self.limit if self.at_least else self.value <= self.limit)


def all_rows(rows: dict[str, list[dict]], source: str, splits: Sequence[str] = SPLITS) -> list[dict]:
    return [row for split in splits for row in rows[split] if row["source"] == source]


def repeated_strings(rows: Sequence[dict], set_phrases: Sequence[str] = ()) -> dict[str, int]:
    """12-character strings within no set phrase that occur in more than 3 documents → how many."""
    found: dict[str, set] = defaultdict(set)
    for row in rows:
        found[row["doc_id"]].update(_strings(NOT_TEXT.sub("", row["text"])))
    seen = Counter(string for strings in found.values() for string in strings)
    known = {string for phrase in set_phrases for string in _strings(phrase)}
    return {string: n for string, n in seen.items() if n > MOST_DOCUMENTS and string not in known}


def _strings(text: str) -> Iterator[str]:
    return (text[i : i + PHRASE_LENGTH] for i in range(len(text) - PHRASE_LENGTH + 1))


def set_phrase_share(rows: Sequence[dict], set_phrases: Sequence[str]) -> float:
    """Share of the characters (punctuation left out) that set phrases cover."""
    phrases = re.compile("|".join(map(re.escape, sorted(set_phrases, key=len, reverse=True))))
    texts = [NOT_TEXT.sub("", row["text"]) for row in rows]
    total = sum(map(len, texts))
    return 1 - sum(len(phrases.sub("", text)) for text in texts) / total if total else 0.0


def distinct_ratio(rows: Sequence[dict], characters: int, size: int = 4) -> float:
    """Distinct over all 4-grams of the first paragraphs, in the order of their hashes, that hold `characters` of them.

    The ratio falls with the length of a text, so only equal lengths compare.
    """
    grams: set[str] = set()
    total = 0
    for row in sorted(rows, key=lambda row: row["sha256"]):
        text = NOT_TEXT.sub("", row["text"])
        found = [text[i : i + size] for i in range(len(text) - size + 1)]
        grams.update(found)
        total += len(found)
        if total >= characters:
            break
    return len(grams) / total if total else 0.0


def closest_between_splits(rows: dict[str, list[dict]]) -> float:
    """The highest 5-gram Jaccard similarity of two paragraphs in different splits, computed exactly."""
    texts = [row["text"] for split in SPLITS for row in rows[split]]
    splits = [number for number, split in enumerate(SPLITS) for _ in rows[split]]
    return max((float(s.max(initial=0.0)) for _, _, s in similarities_between(texts, splits)), default=0.0)


def _binned(train, _, held):
    """Numbers (one a row) → which of ten equal-frequency bins, one-hot: any shape of dependence fits."""
    from sklearn.preprocessing import KBinsDiscretizer

    bins = KBinsDiscretizer(n_bins=10, encode="onehot", strategy="quantile", quantile_method="averaged_inverted_cdf")
    return bins.fit_transform(train), bins.transform(held)


def _keywords(train, y, held):
    """Presence of the 20 words a class, in at least 5 train rows, that tell it best from the rest (chi-squared)."""
    from sklearn.feature_selection import chi2

    train, held = (train > 0).astype(float), (held > 0).astype(float)
    frequent = np.flatnonzero(np.asarray(train.sum(0)).ravel() >= 5)
    train, held = train[:, frequent], held[:, frequent]
    chosen: set[int] = set()
    for label in np.unique(y):
        score = np.nan_to_num(chi2(train, y == label)[0]).round(9)
        # stable: the default order of ties depends on the processor
        chosen |= set(np.argsort(-score, kind="stable")[:KEYWORDS].tolist())
    return train[:, sorted(chosen)], held[:, sorted(chosen)]


def _macro_f1(y, predicted, labels=None) -> float:
    from sklearn.metrics import f1_score

    return float(f1_score(y, predicted, average="macro", labels=labels, zero_division=0))


def shortcuts(rows: Sequence[dict]) -> list[Measure]:
    """What gives the primary function away: macro-F1 from one cheap cue alone, and from the words.

    Out of fold by logistic regression, documents never split.
    """
    texts, documents = [row["text"] for row in rows], [row["doc_id"] for row in rows]
    gold = np.array([row["label"] for row in rows])
    last = defaultdict(int)
    for row in rows:
        last[row["doc_id"]] = max(last[row["doc_id"]], row["position"])
    place = np.array([[row["position"] / max(1, last[row["doc_id"]])] for row in rows])

    opening = character_grams([text[:OPENING] for text in texts])
    cues = [  # name, what is read, how, and the gate's limit
        ("length alone", np.array([[len(text)] for text in texts]), _binned, 0.45),
        (f"the {KEYWORDS} best single keywords a class", character_grams(texts, 2, 4), _keywords, 0.60),
        (f"the first {OPENING} characters", opening, tfidf, 0.60),
        ("place in the document", place, _binned, None),
        ("TF-IDF + logistic regression", character_grams(texts), tfidf, None),
    ]
    return [
        Measure(name, _macro_f1(gold, out_of_fold(x, gold, documents, how, FOLDS).argmax(1)), limit)
        for name, x, how, limit in cues
    ]


def _resampled_macro_f1(gold, predicted, documents, labels) -> np.ndarray:
    """(RESAMPLES,) macro-F1 over `labels` on documents drawn with replacement; the same draws in each call."""
    known, place = np.unique(documents, return_inverse=True)
    cells = len(LABELS) ** 2
    confusion = np.bincount(place * cells + gold * len(LABELS) + predicted, minlength=len(known) * cells)
    weights = np.random.default_rng(0).multinomial(len(known), np.full(len(known), 1 / len(known)), RESAMPLES)
    drawn = (weights @ confusion.reshape(len(known), cells)).reshape(-1, len(LABELS), len(LABELS))
    f1 = 2 * np.diagonal(drawn, axis1=1, axis2=2) / np.maximum(1, drawn.sum(1) + drawn.sum(2))
    return f1[:, labels].mean(1)


def transfer(rows: dict[str, list[dict]], draws: int = 5) -> dict | None:
    """What constructed paragraphs teach about public ones, beside what public ones teach.

    TF-IDF + logistic regression trained on the public train paragraphs, and on as many constructed
    train paragraphs of the same functions, drawn `draws` times: once as the constructed part mixes the
    functions, once with as many of each function as the public part has. Macro-F1 on public validation,
    over the functions with at least `TRANSFER_MINIMUM` paragraphs in both public parts. The ratio's interval of 95 %
    is by resampling the public validation documents (percentiles). None where the build has no public part or fewer
    than two such functions.
    """
    public, held = all_rows(rows, "public", ["train"]), all_rows(rows, "public", ["validation"])
    constructed = all_rows(rows, "constructed", ["train"])

    def of(part, label):
        return [row for row in part if row["label"] == label]

    labels = [i for i in range(len(LABELS)) if min(len(of(public, i)), len(of(held, i))) >= TRANSFER_MINIMUM]
    if len(labels) < 2:
        return None
    of_public, of_constructed, part = (
        [row for row in pool if row["label"] in labels] for pool in (public, constructed, held)
    )
    every = [*of_public, *of_constructed, *part]
    counts = character_grams([row["text"] for row in every])
    place = {row["sha256"]: i for i, row in enumerate(every)}
    gold = np.array([row["label"] for row in every])
    held_places = [place[row["sha256"]] for row in part]
    documents = [row["doc_id"] for row in part]

    def score(train: list[dict]) -> tuple[float, np.ndarray]:
        places = [place[row["sha256"]] for row in train]
        x, x_held = tfidf(counts[places], gold[places], counts[held_places])
        answer = gold[held_places], logistic_regression(x, gold[places]).predict(x_held)
        return _macro_f1(*answer, labels), _resampled_macro_f1(*answer, documents, labels)

    def drawn(pool: list[dict], number: int) -> list[dict]:
        return sorted(pool, key=lambda row: hashlib.sha256(f"{number}:{row['sha256']}".encode()).hexdigest())

    count = min(len(of_public), len(of_constructed))
    by_mix = [score(drawn(of_constructed, n)[:count]) for n in range(draws)]
    by_function = [
        score([row for i in labels for row in drawn(of(constructed, i), n)[: len(of(public, i))]]) for n in range(draws)
    ]
    reached, reached_resampled = score(of_public)
    points, points_by_function = ([point for point, _ in drawn] for drawn in (by_mix, by_function))
    resampled = np.mean([values for _, values in by_mix], axis=0) / reached_resampled
    low, high = np.quantile(resampled, [0.025, 0.975])
    return {
        "functions": [LABELS[i] for i in labels],
        "paragraphs": count,
        "documents": len(set(documents)),
        "constructed": float(np.mean(points)),
        "constructed_by_function": float(np.mean(points_by_function)),
        "public": reached,
        "ratio": float(np.mean(points) / reached),
        "low": float(low),
        "high": float(high),
        "ratio_by_function": float(np.mean(points_by_function) / reached),
    }


def gates(rows: dict[str, dict[str, list[dict]]], set_phrases: Sequence[str]) -> dict:
    """All measures of a build's `rows` (configuration → split → rows), as the card prints them.

    `{"measures": [Measure], "variety": {source: {"set_phrases", "distinct_4_grams"}}, "shortcuts":
    {source: [Measure]}, "transfer": … or None, "repeated": {string: documents}}`.
    """
    every = rows["functions"]
    sources = sorted({row["source"] for part in every.values() for row in part})
    repeated = repeated_strings(all_rows(every, "constructed"), set_phrases)
    counts = [sum(len(row["text"]) for row in all_rows(every, source)) for source in sources]
    variety = {
        source: {
            "set_phrases": set_phrase_share(all_rows(every, source), set_phrases),
            "distinct_4_grams": distinct_ratio(all_rows(every, source), int(0.8 * min(counts))),
        }
        for source in sources
    }
    measures = [
        Measure("12-character strings outside set phrases in more than 3 constructed documents", len(repeated), 0),
        Measure("set phrases", len(set_phrases), MOST_SET_PHRASES),
        Measure("closest two paragraphs in different splits (5-gram Jaccard)", closest_between_splits(every), 0.4999),
    ]
    moved = transfer(rows["primary"])
    if moved:
        name = "transfer to public validation, share of public training"
        measures.append(Measure(name, moved["ratio"], 0.8, True))
        measures.append(Measure(f"{name}, with the public mix of functions", moved["ratio_by_function"]))
    return {
        "measures": measures,
        "variety": variety,
        "shortcuts": {source: shortcuts(all_rows(rows["primary"], source, SPLITS[:2])) for source in sources},
        "transfer": moved,
        "repeated": repeated,
    }
