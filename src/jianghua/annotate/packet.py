"""A packet for people: a fixed, balanced choice of paragraphs with everything three annotators need.

The choice stands in the tree as ids (`data/packet.jsonl`); the packet itself holds public text, so it
is made where that text is and not kept. In it paragraphs have numbers that tell nothing of where they come
from; their texts tell which they are when the answers come back.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path

from jianghua.annotate import labelstudio, spreadsheet
from jianghua.annotate.answers import Answer
from jianghua.annotate.exchange import tasks_of
from jianghua.files import check_replaceable, folder_atomic, read_jsonl, read_text, text_sha256, write_atomic
from jianghua.schema import BadData, Paragraph, check_record

SIZE = 300
SHEET = "paragraphs.csv"
NUMBER = re.compile(r"p\d{3,}")
INSTRUCTIONS = """# 标注说明

请三位标注者各自独立完成，互不商量，也不看别人的结果。全部 {count} 段，约需四到六小时，可以分几次做。

1. 先通读同一文件夹里的 `GUIDELINES.md`（约一刻钟）。拿不准时按规范第三部分的次序判断。
2. 任选一种工具：
   - **表格**：用 Excel 或 WPS 打开 `paragraphs.csv`，另存为以自己代号命名的文件（如 `h1.csv`，格式仍为 CSV）。
     “主要功能”一栏填 表扬、批评、要求、事例、无 之一；这一段做了哪几件事，就在哪几栏打任意记号（如 1）。
     编号、段落两栏不要改动。
   - **Label Studio**：新建项目，Labeling Interface 里粘贴 `labelstudio.xml`，导入 `labelstudio.json`；
     做完后 Export → JSON。
3. 只看这一段文字，不查出处，不猜文章怎样写成。没有把握也请选一个；确实无法判断的留空，留空不等于“无”。
4. 做完把文件交回，不需要说明理由；想说的写在表格的“备注”栏里，用 Label Studio 的另写一份文字。

交回以后（由维护者做）：

```bash
# 每人一次，annotator= 是各人的代号；Label Studio 导出的用 format=labelstudio
python scripts/annotate.py import=h1.csv format=csv annotator=h1 protocol=alone output=people
# 三人之间的一致程度，以及与定稿标签的一致程度
python scripts/agreement.py votes=people by=annotator gold=data/annotations
```
"""


def choose(rows: Sequence[Mapping], size: int = SIZE) -> list[str]:
    """Ids of `size` paragraphs, dealt in turn from every source × label × disputed or not, in hash order.

    `rows` have `id`, `sha256`, `source`, `label` (None for none) and `disputed`. A cell that runs out
    leaves its turns to the others.
    """
    if len(rows) < size:
        raise BadData(f"the dataset has {len(rows)} paragraphs, the packet takes {size}")
    cells: dict[tuple, list[tuple[str, str]]] = defaultdict(list)
    for row in rows:
        order = hashlib.sha256(f"jianghua-packet:{row['sha256']}".encode()).hexdigest()
        cells[str(row["source"]), str(row["label"]), bool(row["disputed"])].append((order, row["id"]))
    dealt = zip_longest(*(sorted(cells[key]) for key in sorted(cells)))
    return [item[1] for turn in dealt for item in turn if item][:size]


def write_packet(paragraphs: Sequence[Paragraph], guidelines: Path, folder: Path) -> None:
    """Write the packet: instructions, guidelines, spreadsheet, Label Studio project; shuffled once for all."""
    tasks = [task | {"id": f"p{number:03d}"} for number, task in enumerate(tasks_of(paragraphs, "alone", seed=300), 1)]
    files = {
        "说明.md": INSTRUCTIONS.format(count=len(tasks)),
        "GUIDELINES.md": read_text(guidelines),
        SHEET: spreadsheet.to_sheet(tasks),
        "labelstudio.json": labelstudio.to_tasks(tasks),
        "labelstudio.xml": labelstudio.labelling_config(),
    }
    check_replaceable(folder, marks=(SHEET,))
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.name not in files:
            raise BadData(f"{path}: no part of a packet, and would be lost; packet= takes a new folder")
        if path.name == SHEET and path.read_bytes() != files[SHEET].encode():
            raise BadData(f"{path}: not as it is handed out: answers in it would be lost; packet= takes a new folder")
    with folder_atomic(folder, marks=(SHEET,)) as new:
        for name, content in files.items():
            write_atomic(new / name, content)


def read_packet(path: Path) -> dict[str, str]:
    """SHA-256 of a text → paragraph id, of the fixed choice in `path`."""
    rows = read_jsonl(path, lambda row: check_record(row, {"id": str, "sha256": str}))
    return {row["sha256"]: row["id"] for row in rows}


def own_ids(answers: Sequence[Answer], packet: Path, own: Collection[str] = ()) -> list[Answer]:
    """`answers` with the paragraphs' own ids for the numbers of the packet; others, and those in `own`, stay.

    Raises `BadData` with its place for a number whose text is not one of the fixed choice in the file `packet`.
    """
    numbered = {answer.id for answer in answers if NUMBER.fullmatch(answer.id)} - set(own)
    known = read_packet(packet) if numbered else {}

    def named(answer: Answer) -> Answer:
        sha256 = text_sha256(answer.text) if answer.text is not None else answer.sha256
        if sha256 not in known:
            raise BadData(
                f"{answer.place}: the text of {answer.id} is not as it was handed out ({packet} has no such text); "
                "restore that paragraph from the packet, or name your own paragraphs with paragraphs=FILE"
            )
        return replace(answer, id=known[sha256])

    return [named(answer) if answer.id in numbered else answer for answer in answers]
