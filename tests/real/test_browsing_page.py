"""The browsing page in a real headless Chromium: it opens from a file, filters, and logs no error."""

import re

import pytest
from chromium import opened

from jianghua.dataset import load_build
from jianghua.schema import CONFIGS, LABELS

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def page(tmp_path_factory, run_script):
    """The page of the constructed build, made by the script."""
    folder = tmp_path_factory.mktemp("browse")
    result = run_script("build_dataset", "output=build", "page=讲话.html", cwd=folder)
    assert result.returncode == 0, result.stderr
    return folder / "讲话.html"


@pytest.fixture(scope="module")
def rows(root):
    return {c: [r for part in load_build(root / "data/jianghua", c).rows.values() for r in part] for c in CONFIGS}


def count(dom):
    return int(re.search(r'id="count"[^>]*>(\d+) 段', dom)[1])


def test_it_shows_every_paragraph_of_the_build_fifty_at_a_time(page, tmp_path, rows):
    dom = opened(page, tmp_path)
    assert count(dom) == len(rows["functions"])
    assert len(re.findall(r"<article ", dom)) == 50


@pytest.mark.parametrize("label", LABELS)
def test_filtering_by_function_shows_the_paragraphs_of_that_gold_label(page, tmp_path, rows, label):
    dom = opened(page, tmp_path, f"#label={label}", width=390)
    assert count(dom) == sum(row["label"] == LABELS.index(label) for row in rows["primary"])
    shown = set(re.findall(r'<article class="(\w+)"', dom))
    assert shown == {label}


def test_disputed_paragraphs_show_votes_that_differ_and_the_reason(page, tmp_path):
    dom = opened(page, tmp_path, "#disputed=on")
    assert count(dom) > 0
    assert "<p>裁定：" in dom
    assert "<summary>票：一致" not in dom
    assert "<summary>票：有分歧" in dom


def test_evidence_sentences_are_marked_and_a_search_finds_an_id(page, tmp_path, rows):
    first = rows["primary"][0]
    dom = opened(page, tmp_path, f"#text={first['id']}")
    assert count(dom) == 1
    assert re.search(r'class="s (praise|criticism|directive|anecdote)"', dom)
