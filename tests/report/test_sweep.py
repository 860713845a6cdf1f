"""What a training shows at its end: the titles and columns of its tables."""

from tiny_build import tiny_build

from jianghua.dataset import load_build
from jianghua.models import Majority
from jianghua.report.results import HEADER
from jianghua.report.sweep import header_of, print_run
from jianghua.training.run import baseline_scores


def test_the_table_of_a_run_names_the_part_of_the_data_it_is_of(root, tmp_path, capsys):
    build = tiny_build(root, tmp_path / "build")
    few = {"train": {"per_class": 4, "draw": 1}}
    for subset, title in ((None, "test of the constructed build, primary, seed 3"), (few, "per_class 4, draw 1")):
        loaded = load_build(build, "primary", subset)
        data = {"config": "primary", "subset": subset}
        settings = {"data": data, "model": {"name": "majority"}, "seed": 3}
        print_run(settings, loaded, baseline_scores(Majority("primary"), loaded))
        assert title in capsys.readouterr().out.splitlines()[0]


def test_a_score_that_leaves_functions_out_is_called_headline_as_in_the_table_of_one_run():
    assert header_of({"labels": [0, 1, 2, 3]}) == HEADER
    assert header_of({"labels": [0, 1, 2]}) == ["model", "headline", *HEADER[2:]]
