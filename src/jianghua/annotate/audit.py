"""A label audit: which gold labels look wrong to a model that never saw their document.

Out-of-fold probabilities of TF-IDF + logistic regression, ranked by how far the given label lies behind
the likeliest one (Kuan & Mueller 2022, "Model-agnostic label quality scoring", the normalised margin, as
the `cleanlab` library computes it). A low score means “look again”, not “wrong”: what changes is decided
by a reader and written down with a reason.
"""

import re
from collections.abc import Callable, Sequence

import numpy as np

from jianghua.schema import BadData, BadUsage

FOLDS = 10


def character_grams(texts: Sequence[str], low: int = 1, high: int = 3):
    """(n, grams) sparse counts of the character `low`- to `high`-grams, short grams first, then by code point.

    The columns of a `CountVectorizer(analyzer="char")` in another order, counted on arrays: a build counts
    some ten million grams.
    """
    from scipy.sparse import coo_array, hstack

    texts = [re.sub(r"\s\s+", " ", text.lower()) for text in texts]
    row = np.repeat(np.arange(len(texts)), [len(text) for text in texts])
    letters, code = np.unique(np.frombuffer("".join(texts).encode("utf-32-le"), np.uint32), return_inverse=True)
    if len(letters) ** high > np.iinfo(np.int64).max:
        raise BadUsage(f"{len(letters)} different characters are too many for {high}-grams")
    blocks = []
    for size in range(low, high + 1):
        places = max(0, len(code) - size + 1)
        gram = np.zeros(places, np.int64)
        for offset in range(size):
            gram = gram * len(letters) + code[offset : offset + places]
        inside = row[:places] == row[size - 1 : size - 1 + places]  # not across two texts
        known, column = np.unique(gram[inside], return_inverse=True)
        ones = np.ones(len(column), np.int32)
        blocks.append(coo_array((ones, (row[:places][inside], column)), shape=(len(texts), len(known))))
    return hstack(blocks, format="csr", dtype=np.int32)


def tfidf(train, _, held):
    """TF-IDF weights of train and held-out counts, from the train part alone: as if `held` had never been read.

    Counting all texts once and weighting a part is the same as a `TfidfVectorizer` fitted on the part.
    """
    from sklearn.feature_extraction.text import TfidfTransformer

    kept = np.asarray((train > 0).sum(0)).ravel() >= 2
    weights = TfidfTransformer(sublinear_tf=True).fit(train[:, kept])
    return weights.transform(train[:, kept]), weights.transform(held[:, kept])


def logistic_regression(x, labels: np.ndarray):
    """Logistic regression with balanced classes, as the audit and the gates of the data use it, fitted on one thread.

    The bits of a sum depend on the number of threads, and a paragraph near the border would change its class with them:
    a card must not depend on how many cores made it.
    """
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        return LogisticRegression(C=10.0, class_weight="balanced", max_iter=300, solver="newton-cg").fit(x, labels)


def out_of_fold(
    x, labels: np.ndarray, groups: Sequence[str], features: Callable = tfidf, folds: int = FOLDS, seed: int = 0
) -> np.ndarray:
    """(n, classes) probabilities for each row of `x` from a logistic regression on the other documents.

    `features(train rows, train labels, held rows)` makes both sides' features from the train part. Folds are fitted
    side by side, one a core, in threads: processes would each hold the libraries and the counts once more.
    """
    from sklearn.model_selection import StratifiedGroupKFold
    from sklearn.utils.parallel import Parallel, delayed
    from threadpoolctl import threadpool_limits

    if len(set(groups)) < 2 or len(np.unique(labels)) < 2:
        raise BadData("an audit needs at least two documents and two labels")
    parts = StratifiedGroupKFold(min(folds, len(set(groups))), shuffle=True, random_state=seed)
    places = list(parts.split(labels, labels, groups))
    with threadpool_limits(1):  # around all folds: the limit is the process's, and the first to end would lift it
        folds_at_once = Parallel(n_jobs=-1, prefer="threads")
        answers = folds_at_once(delayed(_held_out)(x, labels, train, held, features) for train, held in places)
    proba = np.zeros((len(labels), int(labels.max()) + 1))
    for (_, held), (classes, answer) in zip(places, answers, strict=True):
        proba[np.ix_(held, classes)] = answer
    return proba


def _held_out(x, labels, train, held, features: Callable) -> tuple[np.ndarray, np.ndarray]:
    """The classes of the rows in `train`, and their probabilities for the rows in `held`."""
    x_train, x_held = features(x[train], labels[train], x[held])
    model = logistic_regression(x_train, labels[train])
    return model.classes_, model.predict_proba(x_held)


def suspicious(ids: Sequence[str], labels: Sequence[int], proba: np.ndarray, share: float = 0.05) -> list[dict]:
    """The `share` of paragraphs whose labels look most doubtful, worst first.

    Rows are `{"id", "label", "suggested", "quality"}`: class ids, and the margin by which the given label
    leads the others in the model's probabilities, scaled to 0–1.
    """
    try:
        from cleanlab.rank import get_label_quality_scores
    except ImportError:
        raise BadUsage("the audit needs cleanlab: pip install 'jianghua[audit]'") from None

    labels = np.asarray(labels)
    quality = get_label_quality_scores(labels, proba, method="normalized_margin", adjust_pred_probs=False)
    order = np.argsort(quality, kind="stable")[: max(1, round(share * len(labels)))]
    suggested = proba.argmax(1)
    return [
        {"id": ids[i], "label": int(labels[i]), "suggested": int(suggested[i]), "quality": round(float(quality[i]), 4)}
        for i in order
    ]
