"""讲话 demo: paste or drop a speech, see its paragraphs coloured by what they do, with the model's confidence.

In a Space this file stands at the top, the package beside it, and `model.json` says which model at which revision;
`scripts/serve.py` starts the same interface with a model of this machine.
"""

import html
import json
import os
import tempfile
from pathlib import Path

# read when gradio is imported
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

from jianghua.ingest import ingest_paths
from jianghua.models import label_texts, load_classifier
from jianghua.report.page import speech_page
from jianghua.schema import BadData

LONGEST = 200_000  # characters of pasted text, some forty government work reports
EXAMPLE = """在全镇安全生产会上的讲话

上半年，全镇没有发生一起亡人事故，各站所日夜值守，这份成绩来之不易，我代表镇党委向大家表示感谢。

但也要看到，有的企业台账造假，有的村把检查当成走过场，隐患报了三次还摆在那里，这是很不应该的。

月底前，由安监办牵头，对辖区所有烟花爆竹网点再查一遍，逾期不改的一律停业。
"""


def label_speech(classifier, name: str, text: str | None, file: str | Path | None) -> str:
    """The labelled speech as one HTML page; a dropped file goes before pasted text. Raises `BadData`."""
    with tempfile.TemporaryDirectory() as folder:
        if file is None:
            if not (text or "").strip():
                raise BadData("请粘贴讲话全文，或拖入一个文件 （html、txt、docx、pdf）")
            if len(text) > LONGEST:
                raise BadData(f"文本过长：{len(text)} 字，至多 {LONGEST} 字")
            file = Path(folder) / "讲话.txt"
            file.write_text(text, encoding="utf-8")
        paragraphs = [p for document in ingest_paths([Path(file)]) for p in document.paragraphs]
    if not paragraphs:
        raise BadData("没有找到正文段落")
    labels, proba, cut = label_texts(classifier, [p.text for p in paragraphs])
    return speech_page(paragraphs, labels, proba, classifier.config, name, cut)


def interface(classifier, name: str):
    """The Gradio interface around `classifier`, whose name stands under the page."""
    import gradio

    def show(text, file):
        try:
            page = label_speech(classifier, name, text, file)
        except BadData as error:
            raise gradio.Error(str(error).replace(str(file), Path(file).name) if file else str(error)) from None
        # a frame of its own: the page's style and the interface's do not meet
        return f'<iframe srcdoc="{html.escape(page, quote=True)}" style="width:100%;height:75vh;border:0"></iframe>'

    with gradio.Blocks(title="讲话 Jianghua", analytics_enabled=False) as blocks:
        gradio.Markdown("# 讲话 Jianghua\n粘贴讲话全文，或拖入文件；每段按其功能着色，并给出模型的置信度。")
        with gradio.Row():
            text = gradio.Textbox(EXAMPLE, label="讲话全文", lines=12, max_lines=24)
            file = gradio.File(label="文件", file_types=[".html", ".htm", ".txt", ".docx", ".pdf"], type="filepath")
        button = gradio.Button("分析", variant="primary")
        page = gradio.HTML()
        button.click(show, [text, file], page, api_name="label")
        gradio.Markdown(
            "标签由模型自动给出，会有错误；训练用的标注也出自语言模型，未经人工核验。不得用于评价任何个人或单位，不得用于监控，"
            "不得据以对任何人作出决定。"
        )
    return blocks


def from_hub() -> tuple:
    """The model that `model.json` beside this file names, and its name."""
    from huggingface_hub import snapshot_download

    wanted = json.loads((Path(__file__).parent / "model.json").read_text(encoding="utf-8"))
    folder = snapshot_download(wanted["repo_id"], revision=wanted["revision"])
    return load_classifier(Path(folder)), wanted["repo_id"]


if __name__ == "__main__":
    import gradio

    interface(*from_hub()).launch(theme=gradio.themes.Base(font=["sans-serif"], font_mono=["monospace"]))
