"""To and from Label Studio: a JSON list of tasks, a labelling configuration, and both JSON exports.

The project has two controls: `primary`, a single choice of the four functions and none, and
`functions`, a multiple choice. The paragraph's id travels as `paragraph_id` in the task's data,
because JSON_MIN puts the task's own number under `id`.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from xml.sax.saxutils import quoteattr

from jianghua.annotate.answers import Answer, answer_of_names
from jianghua.annotate.names import NONE_ZH
from jianghua.files import parse_json, read_text
from jianghua.schema import LABELS_ZH, BadData, at

PRIMARY, FUNCTIONS = "primary", "functions"


def labelling_config(with_title: bool = False) -> str:
    """The project's labelling configuration (XML); the aliases are what an export holds.

    `with_title` shows the speech's title above the text: the tasks' data must have one then.
    """
    functions = "\n".join(
        f"    <Choice value={quoteattr(chinese)} alias={quoteattr(name)}/>" for name, chinese in LABELS_ZH.items()
    )
    title = '  <Header value="$title" size="4"/>\n' if with_title else ""
    return f"""<View>
{title}  <Text name="text" value="$text"/>
  <Header value="主要功能（占字数最多的一种；没有主要功能的选“{NONE_ZH}”）" size="5"/>
  <Choices name="{PRIMARY}" toName="text" choice="single-radio" required="true" showInline="true">
{functions}
    <Choice value="{NONE_ZH}" alias="none"/>
  </Choices>
  <Header value="这一段做了哪几件事（可多选，可不选）" size="5"/>
  <Choices name="{FUNCTIONS}" toName="text" choice="multiple" required="false" showInline="true">
{functions}
  </Choices>
</View>
"""


def to_tasks(tasks: Iterable[dict]) -> str:
    """JSON to import into a project; `tasks` as `exchange.tasks_of` makes them."""
    rows = [{"data": {"paragraph_id": task["id"], **{k: v for k, v in task.items() if k != "id"}}} for task in tasks]
    return json.dumps(rows, ensure_ascii=False, indent=1) + "\n"


def read_answers(path: Path) -> tuple[list[Answer], int]:
    """`(answers, skipped)` of an export, JSON or JSON_MIN.

    An annotator is named `labelstudio-N` after the user's number, which both kinds of export have:
    votes are published, and e-mail addresses should not be (they are used only where no number is).
    A cancelled annotation, and one without any answer, is skipped: that is no vote, while the choice
    none is one. Raises `BadData` with the file and the number of the task.
    """
    text = read_text(path)
    with at(path):
        tasks = parse_json(text)
    if not isinstance(tasks, list):
        raise BadData(f"{path}: expected a JSON list of tasks; export the project as JSON or JSON_MIN")
    answers: list[Answer] = []
    skipped = 0
    for number, task in enumerate(tasks, 1):
        if not isinstance(task, dict):
            raise BadData(f"{path}: task {number} is not a JSON object; export the project as JSON or JSON_MIN")
        place = f"{path}: task {task.get('id', number)}"
        with at(place):
            found = _full_task(task, place) if "annotations" in task else [_minimal_task(task, place)]
        answers += [answer for answer in found if answer]
        skipped += sum(answer is None for answer in found)
    return answers, skipped


def _paragraph(data: object) -> tuple[str, str]:
    if not isinstance(data, dict) or not isinstance(data.get("text"), str):
        raise BadData("no text in its data; the field is named 'text'")
    paragraph = data.get("paragraph_id", data.get("id"))
    if not isinstance(paragraph, str):
        raise BadData("no paragraph id in its data; the field is named 'paragraph_id'")
    return paragraph, data["text"]


def _full_task(task: dict, place: str) -> list[Answer | None]:
    paragraph, text = _paragraph(task.get("data"))
    if not isinstance(task["annotations"], list):
        raise BadData("its annotations are not a list")
    found: list[Answer | None] = []
    for annotation in task["annotations"]:
        if not isinstance(annotation, dict) or not isinstance(annotation.get("result", []), list):
            raise BadData("an annotation is not a JSON object with a list of results")
        choices: dict[str, list] = {}
        for result in annotation.get("result", []):
            if isinstance(result, dict) and result.get("type") == "choices":
                name = result.get("from_name")
                if not isinstance(name, str):
                    raise BadData(f"from_name of an answer should be a name, found {name!r:.60}")
                choices[name] = _choices(result.get("value"))
        if annotation.get("was_cancelled"):
            found.append(None)
            continue
        found.append(_answer(paragraph, text, annotation.get("completed_by"), choices, place))
    return found


def _minimal_task(task: dict, place: str) -> Answer | None:
    paragraph, text = _paragraph(task)
    choices = {name: _choices(task[name]) for name in (PRIMARY, FUNCTIONS) if task.get(name)}
    return _answer(paragraph, text, task.get("annotator"), choices, place)


def _choices(value: object) -> list:
    if isinstance(value, dict):
        value = value.get("choices")
    if isinstance(value, str):
        return [value]
    if not isinstance(value, list):
        raise BadData(f"expected choices, found {value!r:.60}")
    return value


def _answer(paragraph: str, text: str, user: object, choices: dict[str, list], place: str) -> Answer | None:
    primary, functions = choices.get(PRIMARY, []), choices.get(FUNCTIONS, [])
    if not primary and not functions:
        if choices:
            raise BadData(f"answers are named {', '.join(map(str, choices))}; expected {PRIMARY!r} and {FUNCTIONS!r}")
        return None
    if len(primary) != 1:
        raise BadData(f"paragraph {paragraph!r} has {len(primary)} answers to {PRIMARY!r}; it should have one")
    return answer_of_names(paragraph, text, _annotator(user), primary[0], functions, place)


def _annotator(user: object) -> str | None:
    if isinstance(user, dict):
        user = user.get("id") or user.get("email")
    if isinstance(user, int) and not isinstance(user, bool):
        return f"labelstudio-{user}"
    return user if isinstance(user, str) and user else None
