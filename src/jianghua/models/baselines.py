"""Models that need no encoder: class frequencies, by length or not at all, and TF-IDF with a linear classifier."""

import json
import zlib
from collections.abc import Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from jianghua.files import write_atomic
from jianghua.models.classifier import Examples, config_of, numbers, read_config, write_config
from jianghua.schema import LABELS, BadData, BadUsage, check_number

DAMAGED = (OSError, EOFError, ValueError, BadZipFile, NotImplementedError, zlib.error)  # what reading an archive raises


class Majority:
    """Always the class frequencies of the train split."""

    def __init__(self, config: str, priors: Sequence[float] = ()):
        self.config, self.priors = config, list(priors)
        self.thresholds = [0.5] * len(LABELS)

    def fit(self, train: Examples) -> None:
        if self.config == "primary":
            self.priors = (np.bincount(train.target, minlength=len(LABELS)) / len(train.target)).tolist()
        else:
            self.priors = train.target.mean(0).tolist()

    def predict_proba(self, texts: Sequence[str]) -> np.ndarray:
        return np.tile(np.array(self.priors, float), (len(texts), 1))

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        write_config(folder, "majority", self.config, self.thresholds, priors=self.priors)

    @classmethod
    def load(cls, folder: Path) -> "Majority":
        record = read_config(folder)
        try:
            priors = numbers("priors", record["priors"])
        except (KeyError, TypeError, ValueError) as error:
            raise BadData(f"{folder / 'config.json'}: not a whole majority model ({error})") from None
        return cls(config_of(record), priors.tolist())


class Length:
    """The class frequencies of the train paragraphs of about the same length: ten bins of equally many."""

    BINS = 10

    def __init__(self, config: str):
        self.config = config
        self.thresholds = [0.5] * len(LABELS)

    def fit(self, train: Examples) -> None:
        lengths = np.array([len(text) for text in train.texts])
        self.edges = np.unique(np.quantile(lengths, np.linspace(0, 1, self.BINS + 1)[1:-1]))
        target = function_matrix(train.target, self.config)
        place = self._bins(train.texts)
        # one paragraph of each function more than was seen, so that none is impossible
        counts = np.array([target[place == b].sum(0) + 1 for b in range(len(self.edges) + 1)])
        seen = np.bincount(place, minlength=len(counts))[:, None]
        if self.config == "primary":
            self.logits = np.log(counts / (seen + len(LABELS)))
        else:
            share = counts / (seen + 2)
            self.logits = np.log(share / (1 - share))

    def _bins(self, texts: Sequence[str]) -> np.ndarray:
        return np.searchsorted(self.edges, [len(text) for text in texts], side="right")

    def predict_logits(self, texts: Sequence[str]) -> np.ndarray:
        return self.logits[self._bins(texts)]

    def scale(self, temperature: float) -> None:
        self.logits = self.logits / temperature

    def predict_proba(self, texts: Sequence[str]) -> np.ndarray:
        return probabilities(self.predict_logits(texts), self.config)

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        more = {"edges": self.edges.tolist(), "logits": self.logits.tolist()}
        write_config(folder, "length", self.config, self.thresholds, **more)

    @classmethod
    def load(cls, folder: Path) -> "Length":
        record = read_config(folder)
        try:
            model = cls(config_of(record))
            model.thresholds = record["thresholds"]
            model.edges = np.array(record["edges"], float)
            model.logits = numbers("logits", record["logits"], rows=len(model.edges) + 1)
        except (KeyError, TypeError, ValueError) as error:
            raise BadData(f"{folder / 'config.json'}: not a whole length model ({error})") from None
        return model


def probabilities(logits: np.ndarray, config: str) -> np.ndarray:
    """(n, 4): softmax for `primary`, sigmoid for `functions`."""
    from scipy.special import expit, softmax

    return softmax(logits, axis=1) if config == "primary" else expit(logits)


class Tempered:
    """For a classifier that keeps its temperature beside its logits, since these are no weights to fold it into."""

    temperature = 1.0

    def scale(self, temperature: float) -> None:
        self.temperature *= temperature

    def predict_proba(self, texts: Sequence[str]) -> np.ndarray:
        return probabilities(self.predict_logits(texts), self.config)


def function_matrix(target: np.ndarray, config: str) -> np.ndarray:
    """(n, 4) booleans: which functions each example has, from the target of either configuration."""
    return np.eye(len(LABELS), dtype=bool)[target] if config == "primary" else np.asarray(target, bool)


def smoothed_priors(target: np.ndarray, config: str) -> list[float]:
    """The frequency of each function in train, none of them zero."""
    target = function_matrix(target, config)
    return ((target.sum(0) + 1) / (len(target) + len(LABELS))).tolist()


def linear_weights(features, target: np.ndarray, config: str, estimator) -> tuple[np.ndarray, np.ndarray]:
    """Weights (4, d) and intercepts (4,) of `estimator()`, a linear classifier of scikit-learn, fitted on `features`.

    One-vs-rest for `functions`. A class that never occurs in train gets (almost) no probability.
    """
    coef, intercept = np.zeros((len(LABELS), features.shape[1])), np.full(len(LABELS), -20.0)
    if config == "primary":
        present = np.unique(target)
        if len(present) < 2:
            raise BadData("the train split holds a single label; there is nothing to learn")
        model = estimator().fit(features, target)
        found, offset = model.coef_, np.broadcast_to(model.intercept_, len(model.coef_))
        if len(present) == 2:
            found, offset = np.vstack([-found, found]) / 2, np.concatenate([-offset, offset]) / 2
        coef[present], intercept[present] = found, offset
        return coef, intercept
    for i in range(len(LABELS)):
        if target[:, i].all() or not target[:, i].any():
            intercept[i] = 20.0 if target[:, i].all() else -20.0
            continue
        model = estimator().fit(features, target[:, i])
        coef[i], intercept[i] = model.coef_[0], np.ravel(model.intercept_)[0]
    return coef, intercept


class Tfidf:
    """TF-IDF over character 1–3-grams with a linear classifier, one-vs-rest for `functions`.

    `estimator` is "logistic" (logistic regression) or "svm" (linear support vectors, whose margins become
    probabilities by the temperature that is fitted on validation). Saved as plain arrays and JSON, so that
    loading a stranger's model runs no code.
    """

    def __init__(
        self,
        config: str,
        ngrams: tuple[int, int] = (1, 3),
        min_df: int = 2,
        c: float = 10.0,
        estimator: str = "logistic",
    ):
        if estimator not in ("logistic", "svm"):
            raise BadUsage(f"model.estimator={estimator}: the linear classifiers are logistic, svm")
        lengths = list(ngrams) if isinstance(ngrams, Sequence) else []
        if len(lengths) != 2 or any(type(n) is not int for n in lengths) or not 1 <= lengths[0] <= lengths[1]:
            raise BadUsage(f"model.ngrams={ngrams}: takes two whole numbers, the shortest and the longest, from 1")
        check_number("model.min_df", min_df, 1, whole=True)
        check_number("model.c", c, 0, above=True)
        self.config, self.ngrams, self.min_df, self.c, self.estimator = config, tuple(ngrams), min_df, c, estimator
        self.thresholds = [0.5] * len(LABELS)

    def _vectorizer(self, **more):
        # the weights of annotate.audit.tfidf, which a test holds
        from sklearn.feature_extraction.text import TfidfVectorizer

        return TfidfVectorizer(analyzer="char", ngram_range=self.ngrams, sublinear_tf=True, dtype=np.float32, **more)

    def _estimator(self):
        from sklearn.linear_model import LogisticRegression
        from sklearn.svm import LinearSVC

        if self.estimator == "svm":
            return LinearSVC(C=self.c, class_weight="balanced", random_state=0)
        return LogisticRegression(C=self.c, class_weight="balanced", max_iter=2000)

    def fit(self, train: Examples) -> None:
        self.vectorizer = self._vectorizer(min_df=self.min_df)
        try:
            features = self.vectorizer.fit_transform(train.texts)
        except ValueError:  # scikit-learn's, when no term is left
            raise BadData(f"no n-gram stands in {self.min_df} paragraphs of train; model.min_df= takes fewer") from None
        self.coef, self.intercept = linear_weights(features, train.target, self.config, self._estimator)

    def predict_logits(self, texts: Sequence[str]) -> np.ndarray:
        return self.vectorizer.transform(texts) @ self.coef.T + self.intercept

    def scale(self, temperature: float) -> None:
        """Divide the logits by a temperature for good."""
        self.coef, self.intercept = self.coef / temperature, self.intercept / temperature

    def predict_proba(self, texts: Sequence[str]) -> np.ndarray:
        if not len(texts):
            return np.zeros((0, len(LABELS)))
        return probabilities(self.predict_logits(texts), self.config)

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        more = {"ngrams": list(self.ngrams), "c": self.c, "estimator": self.estimator}
        write_config(folder, "tfidf", self.config, self.thresholds, **more)
        terms = self.vectorizer.get_feature_names_out().tolist()
        write_atomic(folder / "terms.json", json.dumps(terms, ensure_ascii=False))
        np.savez_compressed(
            folder / "weights.npz",
            idf=self.vectorizer.idf_,
            coef=self.coef.astype(np.float32),
            intercept=self.intercept,
        )

    @classmethod
    def load(cls, folder: Path) -> "Tfidf":
        record = read_config(folder)
        try:
            model = cls(
                config_of(record), record["ngrams"], c=record["c"], estimator=record.get("estimator", "logistic")
            )
            model.thresholds = record["thresholds"]
            terms = json.loads((folder / "terms.json").read_text(encoding="utf-8"))
            arrays = np.load(folder / "weights.npz", allow_pickle=False)
            model.vectorizer = model._vectorizer(vocabulary={term: i for i, term in enumerate(terms)})
            model.vectorizer.idf_ = arrays["idf"]
            model.coef = numbers("coef", arrays["coef"].T, rows=len(terms)).T
            model.intercept = numbers("intercept", arrays["intercept"])
        except (*DAMAGED, KeyError, TypeError, BadUsage) as error:
            raise BadData(f"{folder}: not a whole tfidf model ({error})") from None
        return model
