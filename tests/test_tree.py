"""What must hold of the tree as a whole: configurations compose, script names shadow nothing, imports stay light."""

import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from jianghua.command import register_root

ROOT = Path(__file__).resolve().parents[1]
TOP = sorted(path.stem for path in (ROOT / "conf").glob("*.yaml") if path.stem != "quiet")
GROUPS = sorted(
    (path.parent.name, path.stem)
    for path in (ROOT / "conf").glob("*/*.yaml")
    if path.parent.name in ("data", "model", "train", "experiment")
)


def composed(name, overrides=()):
    register_root(ROOT)
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        return compose(name, overrides=list(overrides))


@pytest.mark.parametrize("name", TOP)
def test_every_top_configuration_composes_and_has_a_script(name):
    config = composed(name)
    assert OmegaConf.to_container(config)
    assert (ROOT / "scripts" / f"{name}.py").is_file()


@pytest.mark.parametrize(("group", "option"), GROUPS)
def test_every_option_of_a_group_composes_into_training(group, option):
    overrides = [f"{group}={option}"]
    config = OmegaConf.to_container(composed("train", overrides), resolve=True)
    assert config["seed"] == 1


def test_every_script_has_a_configuration_of_its_name():
    assert {path.stem for path in (ROOT / "scripts").glob("*.py")} == set(TOP)


def test_no_script_is_named_like_a_module_of_the_standard_library_or_of_a_dependency():
    taken = set(sys.stdlib_module_names) | set(importlib.metadata.packages_distributions())
    assert not {path.stem for path in (ROOT / "scripts").glob("*.py")} & taken


def test_scripts_stay_thin():
    for path in (ROOT / "scripts").glob("*.py"):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 70, path.name


@pytest.mark.parametrize("room", ["ingest", "annotate", "dataset", "evaluation", "report", "models", "training"])
def test_a_room_starts_without_torch_transformers_and_evaluate(room):
    code = (
        f"import sys, jianghua.{room}; "
        "print([m for m in ('torch', 'transformers', 'evaluate', 'datasets') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_constraints_pin_every_direct_dependency():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *(d for extra in project["optional-dependencies"].values() for d in extra)]
    names = {requirement.split(">")[0].split("<")[0].strip().lower().replace("_", "-") for requirement in wanted}
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = {line.split("==")[0].lower().replace("_", "-") for line in lines if "==" in line}
    assert names <= pinned, sorted(names - pinned)
    assert "torch==2.13.0" in lines
