"""A label audit: which gold labels look wrong to a model that never saw their document.

Out-of-fold probabilities of TF-IDF + logistic regression, ranked by confident learning (Northcutt,
Jiang & Chuang 2021, "Confident Learning", §3; the `cleanlab` library). A low score means “look again”,
not “wrong”: what changes is decided by a reader and written down with a reason.
"""

from collections.abc import Sequence

import numpy as np

from jianghua.schema import BadData, BadUsage

FOLDS = 10


def tfidf_vectorizer():
    """TF-IDF over character 1- to 3-grams, as the audit and the gates of the data use it."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(analyzer="char", ngram_range=(1, 3), min_df=2, sublinear_tf=True)


def logistic_regression():
    """Logistic regression with balanced classes, as the audit and the gates of the data use it."""
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=10.0, class_weight="balanced", max_iter=300)


def out_of_fold(texts: Sequence[str], labels: np.ndarray, groups: Sequence[str], seed: int = 0) -> np.ndarray:
    """(n, classes) probabilities for each text from a model trained on the other documents."""
    from sklearn.model_selection import StratifiedGroupKFold

    if len(set(groups)) < 2 or len(np.unique(labels)) < 2:
        raise BadData("an audit needs at least two documents and two labels")
    folds = StratifiedGroupKFold(min(FOLDS, len(set(groups))), shuffle=True, random_state=seed)
    proba = np.zeros((len(texts), int(labels.max()) + 1))
    for train, held in folds.split(labels, labels, groups):
        vectorizer = tfidf_vectorizer()
        x = vectorizer.fit_transform([texts[i] for i in train])
        model = logistic_regression().fit(x, labels[train])
        proba[np.ix_(held, model.classes_)] = model.predict_proba(vectorizer.transform([texts[i] for i in held]))
    return proba


def suspicious(ids: Sequence[str], labels: Sequence[int], proba: np.ndarray, share: float = 0.05) -> list[dict]:
    """The `share` of paragraphs whose labels look most doubtful, worst first.

    Rows are `{"id", "label", "suggested", "quality"}`: class ids, and the self-confidence of the given
    label adjusted for how confident the model is in that class on the whole (0 to 1).
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
