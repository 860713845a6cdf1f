"""What is fitted on validation after training: the temperature, and thresholds for `functions`. No torch."""

from jianghua.evaluation import choose_thresholds, fit_temperature
from jianghua.models import Classifier, Examples


def calibrate(classifier: Classifier, validation: Examples) -> float:
    """Fold the temperature fitted on validation into the model; choose thresholds for `functions`.

    A model without a scale (`majority`) stays as it is.
    """
    if not hasattr(classifier, "scale"):
        return 1.0
    multilabel = classifier.config == "functions"
    logits = classifier.predict_logits(validation.texts)
    temperature = fit_temperature(logits, validation.target, multilabel=multilabel)
    classifier.scale(temperature)
    if multilabel:
        classifier.thresholds = choose_thresholds(classifier.predict_proba(validation.texts), validation.target)
    return temperature
