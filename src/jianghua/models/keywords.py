"""A baseline that anybody can read: a dozen or so patterns a function, and the function that most of them name.

Where the patterns come from: the words by which data/GUIDELINES.md itself explains each function (its table,
the order of questions, the decided cases), and words that the *train* split holds far more often in
paragraphs of one function than in the others. Validation and test paragraphs were not looked at.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from jianghua.models.baselines import Tempered, smoothed_priors
from jianghua.models.classifier import Examples, config_of, numbers, positive, read_config, write_config
from jianghua.schema import LABELS, BadData

PATTERNS: dict[str, tuple[str, ...]] = {
    "praise": (
        r"感谢|谢谢你们|谢意",
        r"敬意|致敬|慰问",
        r"肯定|值得(?:学习|表扬)|了不起|不简单|不容易|来之不易",
        r"先进|模范|标兵|荣誉|表彰|授予|祝贺",
        r"成绩|成就|成效|成果|胜利",
        r"圆满|顺利|超额|提前|突破|创.{0,4}新高",
        r"增长|提高了|增加到|增加了|下降到|提升",
        r"完成了|建成了?|建立了|实现了|取得了|达到了?|结束了",
        r"不断(?:加强|提高|改善|完善|巩固)|进一步(?:加强|提高|改善|巩固)|得到(?:加强|改善|提高)",
        r"面貌|变为|变成了|迈出",
        r"没有发生|未发生|无一",
        r"辛苦|默默|心血|奉献|吃住在",
        r"过去(?:的)?(?:一|五|几|三)年|年来，|一年来|五年来",
    ),
    "criticism": (
        r"问题|毛病|缺点|不足|短板|薄弱|弱项|欠账",
        r"差距|落后|滞后|脱节|老化",
        r"不到位|不力|不严|不实|不紧|不深|不高|不够|不强|不畅|不上去?|不平衡|不相适应",
        r"缺乏|缺少|欠缺|偏弱|偏低|偏慢|偏少",
        r"形式主义|官僚主义|走过场|流于|形同虚设|失之于|照抄|停留在",
        r"检讨|责任在我|有责任|负有|教训",
        r"有的同志|有些(?:同志|单位|地方|干部)|个别|少数(?:人|干部|同志|单位)?|一些(?:同志|单位|地方|干部|部门)",
        r"推诿|扯皮|拖拉|敷衍|应付|弄虚作假|造假|虚报|浪费|腐败|违法|违纪",
        r"却|反而|依然|仍然|至今",
        r"也要看到|清醒(?:地)?看到|必须看到|不能不看到|应当看到|应该看到",
        r"不像话|要不得|不应该|根子|说到底",
        r"只有.{0,12}[，；。]|寥寥|屡",
    ),
    "directive": (
        r"必须|务必|一定要|应当|应该",
        r"(?:^|[，。；：、])(?:都|也|还|就|更)?要(?!不得|求|看到|说)",
        r"不得|不许|不准|严禁|禁止|一律|凡",
        r"确保|力争|争取|抓好|抓紧|办好|落实|做好",
        r"(?:月底|年底|日|月|年)(?:以?前|之前)|从今(?:天|年|日)|今后|今冬|明年|下一步",
        r"不少于|不低于|至少|以内|为准",
        r"由.{1,12}(?:牵头|负责|承担|落实)|责任人|挂钩|纳入",
        r"(?:^|[，。；])(?:大力|积极|继续|进一步|切实|坚持|逐步|优先|重点|着力|加快|全面|深入|严格|认真)",
        r"(?:^|[，。；])(?:加强|完善|推进|推动|发展|建立|健全|深化|扩大|支持|鼓励|引导|促进|提高|改善|实施)",
        r"让我们|希望|号召|请(?:大家|各|同志)",
        r"目标|任务是|要求是|重点放在|基础上",
        r"将(?:在|于|对|由|继续|进一步|组织|开展)",
    ),
    "anecdote": (
        r"[一二三四五六七八九十\d]+月[一二三四五六七八九十\d]+(?:日|号)",
        r"那天|那年|那回|那阵|那次|有一次|有一回|有一天",
        r"凌晨|当晚|当天|当场|连夜|次日|第二天|随即|随后|半夜|傍晚|下午|上午|晚上",
        r"(?:有|一)(?:位|个)(?!五年|方面|问题|过程)|有个|有位|那位|这位",
        r"某(?:某|县|乡|镇|村|局|厂|公司|科|同志|，)|[老小][赵钱孙李周吴郑王冯陈张刘杨黄马何许]",
        r"(?:说|问|答|喊|讲)：“|。”",
        r"[去前]年(?:冬|春|夏|秋|[一二三四五六七八九十\d])|冬天|春天|夏天|秋天",
        r"(?:走|坐|站|跑|等|找|翻|背|扛|拉|拿|递|看)了|回来|送来|找到",
        r"讲个故事|举个例子|讲一件|说一件|一件事",
        r"他(?:说|问|把|在|从|带|一)|她(?:说|问|把|在|从|带|一)",
        r"爱人|邻居|母亲|父亲|老人|孩子|姑娘|小伙",
        r"[一二三四五六七八九十两\d]+(?:岁|公斤|斤|里路|个小时|分钟)",
    ),
}
TIE = 0.01  # how much the frequency of a function in train counts beside a pattern: only where patterns tie


class Keywords(Tempered):
    """How many patterns of each function a paragraph matches; ties, and no match, go to the commoner function."""

    def __init__(self, config: str, priors: Sequence[float] = (), temperature: float = 1.0):
        self.config, self.priors, self.temperature = config, list(priors), temperature
        self.thresholds = [0.5] * len(LABELS)
        self._take(PATTERNS)

    def _take(self, patterns: dict[str, list[str]]) -> None:
        self.patterns = patterns
        self._compiled = [[re.compile(pattern) for pattern in patterns[label]] for label in LABELS]

    def fit(self, train: Examples) -> None:
        """Takes nothing but the frequency of each function from train."""
        self.priors = smoothed_priors(train.target, self.config)

    def matches(self, text: str) -> list[list[str]]:
        """What matched, function by function, in the order of the labels: the reasons for the answer."""
        return [[found[0] for pattern in patterns if (found := pattern.search(text))] for patterns in self._compiled]

    def predict_logits(self, texts: Sequence[str]) -> np.ndarray:
        counts = np.array([[len(found) for found in self.matches(text)] for text in texts], float)
        counts = counts.reshape(-1, len(LABELS))
        if self.config == "primary":
            return (counts + TIE * np.log(self.priors)) / self.temperature
        return (counts - 0.5) / self.temperature  # a function is there when any of its patterns is

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        more = {"priors": self.priors, "temperature": self.temperature, "patterns": self.patterns}
        write_config(folder, "keywords", self.config, self.thresholds, **more)

    @classmethod
    def load(cls, folder: Path) -> "Keywords":
        record = read_config(folder)
        try:
            model = cls(
                config_of(record),
                numbers("priors", record["priors"]).tolist(),
                positive("temperature", record["temperature"]),
            )
            model.thresholds = record["thresholds"]
            # the patterns it was scored with, should this module's have changed since
            model._take(record["patterns"])
        except (KeyError, TypeError, ValueError, re.error) as error:
            raise BadData(f"{folder}: not a whole keywords model ({error})") from None
        return model
