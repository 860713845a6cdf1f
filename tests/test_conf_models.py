"""Every file in conf/model: what it must say, and that a training run can start from it."""

from pathlib import Path

import pytest
import transformers
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from transformers.models.auto.configuration_auto import CONFIG_MAPPING
from zoo_checkpoints import ZOO, build

from jianghua.command import register_root
from jianghua.schema import BadUsage
from jianghua.training.finetune import Recipe
from jianghua.training.run import start_classifier

ROOT = Path(__file__).resolve().parents[1]
NAMES = sorted(path.stem for path in (ROOT / "conf/model").glob("*.yaml"))
BASELINES = {"majority", "length", "keywords", "tfidf", "tfidf_svm", "mini", "mini_random", "probe", "llm"}


def settings(name, *overrides):
    register_root(ROOT)
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        return OmegaConf.to_container(compose("train", overrides=[f"model={name}", *overrides]), resolve=True)


def test_the_zoo_and_the_baselines_are_all_there_is():
    assert set(NAMES) == BASELINES | set(ZOO)


@pytest.mark.parametrize("name", NAMES)
def test_every_model_starts_from_its_file(name, tmp_path):
    more = []
    if name in ZOO:
        more = [f"model.path={build(ZOO[name], tmp_path / 'tiny')}"]
    if name == "llm":
        more = ["model.name=some/model", "model.base_url=http://127.0.0.1:9/v1"]
    config = settings(name, *more)
    assert name == "llm" or config["model"]["name"] == name
    classifier = start_classifier(config)
    assert classifier.config == "primary"
    Recipe(seed=1, **config["train"])


@pytest.mark.parametrize("name", sorted(ZOO))
def test_a_model_of_the_zoo_says_what_it_is_and_that_it_was_not_run(name):
    config = settings(name)
    model, card = config["model"], config["model"]["card"]
    assert model["revision"] is None
    assert "/" in model["path"]
    assert model["architecture"] in CONFIG_MAPPING
    assert issubclass(getattr(transformers, model["tokenizer"]), transformers.PreTrainedTokenizerBase)
    assert model["max_length"] in (512, 2048, 8192)
    assert card["run_here"] is False
    assert card["licence"]
    assert card["licence_source"]
    assert card["parameters"]
    assert card["parameters_source"]
    assert "Not run here" in (ROOT / f"conf/model/{name}.yaml").read_text("utf-8")
    published = card["published"]
    if published:
        assert published["source"]
        assert config["train"]["learning_rate"] == published["learning_rate"]
    assert config["train"]["learning_rate"] < settings("mini")["train"]["learning_rate"]


def test_an_option_typed_by_a_person_goes_over_what_a_model_brings():
    assert settings("bert_base_chinese", "train.learning_rate=1e-5")["train"]["learning_rate"] == 1e-5
    assert settings("tfidf")["train"] == settings("mini")["train"]


@pytest.mark.parametrize(
    ("name", "overrides", "says"),
    [
        ("mini", ["model.head=crf"], r"model\.head=crf: the heads are classifier"),
        ("mini", ["model.kind=rnn"], r"model\.kind=rnn: the kinds are"),
        ("mini", ["data.overlong=middle"], r"data\.overlong=middle"),
        ("llm", ["model.name=m"], r"model\.base_url= is required"),
        ("llm", ["model.base_url=http://127.0.0.1/v1"], r"model\.name= is required"),
        ("tfidf_svm", ["model.estimator=forest"], r"model\.estimator=forest"),
    ],
)
def test_a_bad_option_of_a_model_is_bad_usage(name, overrides, says):
    with pytest.raises(BadUsage, match=says):
        start_classifier(settings(name, *overrides))
