"""Models that need no encoder: the most frequent class, and TF-IDF with logistic regression."""

import json
from collections.abc import Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from jianghua.files import write_atomic
from jianghua.models.classifier import Examples, config_of, read_config, write_config
from jianghua.schema import LABELS, BadData


class Majority:
    """Always the class frequencies of the train split."""

    def __init__(self, config: str, priors: Sequence[float] = ()):
        self.config, self.priors = config, list(priors)
        self.thresholds = [0.5] * len(LABELS)

    def fit(self, train: Examples, validation: Examples) -> None:
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
        if "priors" not in record:
            raise BadData(f"{folder}: not a whole majority model (no priors in config.json)")
        return cls(config_of(record), record["priors"])


class Tfidf:
    """TF-IDF over character 1–3-grams with logistic regression, one-vs-rest for `functions`.

    Saved as plain arrays and JSON, so that loading a stranger's model runs no code.
    """

    def __init__(self, config: str, ngrams: tuple[int, int] = (1, 3), min_df: int = 2, c: float = 10.0):
        self.config, self.ngrams, self.min_df, self.c = config, tuple(ngrams), min_df, c
        self.thresholds = [0.5] * len(LABELS)

    def _vectorizer(self, **more):
        from sklearn.feature_extraction.text import TfidfVectorizer

        return TfidfVectorizer(analyzer="char", ngram_range=self.ngrams, sublinear_tf=True, dtype=np.float32, **more)

    def fit(self, train: Examples, validation: Examples) -> None:
        from sklearn.linear_model import LogisticRegression

        self.vectorizer = self._vectorizer(min_df=self.min_df)
        features = self.vectorizer.fit_transform(train.texts)

        def weights(target) -> tuple[np.ndarray, np.ndarray]:
            model = LogisticRegression(C=self.c, class_weight="balanced", max_iter=2000).fit(features, target)
            return model.coef_, model.intercept_

        self.coef = np.zeros((len(LABELS), features.shape[1]))
        # a class that never occurs in train gets (almost) no probability
        self.intercept = np.full(len(LABELS), -20.0)
        if self.config == "primary":
            present = np.unique(train.target)
            if len(present) < 2:
                raise BadData("the train split holds a single label; there is nothing to learn")
            coef, intercept = weights(train.target)
            if len(present) == 2:
                coef, intercept = np.vstack([-coef, coef]) / 2, np.concatenate([-intercept, intercept]) / 2
            self.coef[present], self.intercept[present] = coef, intercept
            return
        for i in range(len(LABELS)):
            if train.target[:, i].all() or not train.target[:, i].any():
                self.intercept[i] = 20.0 if train.target[:, i].all() else -20.0
                continue
            coef, intercept = weights(train.target[:, i])
            self.coef[i], self.intercept[i] = coef[0], intercept[0]

    def predict_logits(self, texts: Sequence[str]) -> np.ndarray:
        return self.vectorizer.transform(texts) @ self.coef.T + self.intercept

    def scale(self, temperature: float) -> None:
        """Divide the logits by a temperature for good."""
        self.coef, self.intercept = self.coef / temperature, self.intercept / temperature

    def predict_proba(self, texts: Sequence[str]) -> np.ndarray:
        from scipy.special import expit, softmax

        if not len(texts):
            return np.zeros((0, len(LABELS)))
        logits = self.predict_logits(texts)
        return softmax(logits, axis=1) if self.config == "primary" else expit(logits)

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        write_config(folder, "tfidf", self.config, self.thresholds, ngrams=list(self.ngrams), c=self.c)
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
            model = cls(config_of(record), record["ngrams"], c=record["c"])
            model.thresholds = record["thresholds"]
            terms = json.loads((folder / "terms.json").read_text(encoding="utf-8"))
            arrays = np.load(folder / "weights.npz", allow_pickle=False)
            model.vectorizer = model._vectorizer(vocabulary={term: i for i, term in enumerate(terms)})
            model.vectorizer.idf_ = arrays["idf"]
            model.coef, model.intercept = arrays["coef"].astype(float), arrays["intercept"]
        except (OSError, ValueError, KeyError, TypeError, BadZipFile) as error:
            raise BadData(f"{folder}: not a whole tfidf model ({error})") from None
        return model
