"""What a page holds besides the speech: navigation, advertisements, notices, comments, licences.

Rules for whole blocks, and for stretches inside one. Each names its reason; what it takes is listed
in `report.json`, so anybody can check what was dropped. By then a block's text has no white space
left but between Latin words, so the patterns hold hardly any.
"""

import re
from collections.abc import Callable

from jianghua.ingest.blocks import Block


def _any(*patterns: str) -> re.Pattern:
    return re.compile("|".join(patterns), re.IGNORECASE)


def _found(*patterns: str) -> Callable[[str], re.Match | None]:
    """A match of any of `patterns` in a text. Those that begin with ^ are tried at its start alone: `search` would
    try them at every place, as it looks for an alternation.
    """
    at_start = [pattern for pattern in patterns if pattern.startswith("^")]
    elsewhere = [pattern for pattern in patterns if not pattern.startswith("^")]
    begins, holds = _any(*at_start), _any(*elsewhere)
    if not at_start:
        return holds.search
    if not elsewhere:
        return begins.match
    return lambda text: begins.match(text) or holds.search(text)


# from such a block on, everything is dropped
_TO_THE_END = [
    (
        "licence notice",
        _found(r"^本作品(是|来自|在|由|的作者|之|原文|现时|目前|采用|可)", r"^此作品", r"^Public ?domain"),
    ),
    (
        "reader comments",
        _found(
            r"^(网友|读者|用户|最新|热门|全部|精彩|发表|查看)?(的)?(评论|留言|跟帖|点评)(列表|区|专区)?"
            r"([（(]?(共|已有)?\d+条?.{0,6}[)）]?)?[:：]?$",
            r"^(共|已有)?\d+[条人]?(网友)?(参与)?(评论|留言|跟帖)[^，。]{0,20}$",
            r"^网友评论[:：].{0,60}$",
            r"^(我来说两句|我要评论|发表评论|说点什么|写下你的评论)",
        ),
    ),
    ("notes", _found(r"^(注|注释|字库未存字注释|参考文献|引文出处|脚注|Notes)[:：]?$")),
]

_PAGE = r"(上一?[页篇章]|下一?[页篇章]|首页|末页|尾页|返回(目录|顶部|首页|列表)?|目录|第?\d+页|共\d+页"
_BLOCK = [
    ("stray word", _found(r"^(false|true|null|undefined|NaN)+$")),
    (
        "licence notice",
        _found(
            r"公有领域",
            r"不适用于该法",
            r"中文维基文库",
            r"知识共享(署名|许可|协议)",
            r"Creative Commons",
            r"CC BY",
            r"Public ?domain",
        ),
    ),
    (
        "copyright notice",
        _found(
            r"版权(所有|归|声明)",
            r"著作权归",
            r"All Rights Reserved",
            r"Copyright",
            r"©",
            r"ICP备",
            r"公网安备",
            r"转载(请|须|时)?(注明|标明)",
            r"未经.{0,12}(许可|授权).{0,12}(转载|复制)",
            r"免责声明",
            r"侵权.{0,10}(联系|删除)",
            r"不得(擅自)?转载",
        ),
    ),
    (
        "breadcrumb",
        _found(
            r"^((当前|您(现|当前)?(的|所在)?|你(现)?(的|所在)?|所在)位置|您现在(的位置|正在浏览)|位置)[:：]",
            r"^(首页|网站首页|主页)([>»›/|＞→·-].*)?$",
            r"^[^。！？]{0,60}([>»›＞]{1,2}[^。！？>»›＞]{1,24}){2,}[>»›＞]?$",
        ),
    ),
    (
        "pager",
        _found(
            # what repeats is never tried in another way (*+, ++): a long line that is no pager would take for ever
            rf"^[\[【(（]?{_PAGE}|\d+/\d+页?|[-—]\d+[-—])([\]】)）\[【(（|/｜·]*+{_PAGE}|\d++|…|\.\.\.))*+[\]】)）]?$",
            r"^(?=.*(上一?页|下一?页|尾页|末页))(上一?页|下一?页|首页|尾页|末页|\d|…|[\[\]【】()（）|/｜·<>«»‹›])++$",
            r"^第\d{1,3}页[,，/]*共\d{1,3}页$",
            r"^[\d|\[\]…<>«»‹›]{1,40}$",
            r"^Page ?\d+( ?of ?\d+)?$",
            r"^本文(共|导航)[:：]?.{0,10}页.{0,20}$",
        ),
    ),
    (
        "previous and next",
        _found(r"^[<«‹←]?(上一篇|下一篇|前一篇|后一篇|上篇|下篇|上一条|下一条|上一章|下一章|上一节|下一节)[:：]"),
    ),
    (
        "related links",
        _found(
            r"^【?(更多|本站|编辑|今日|本周|本月|其他|其它|为您|为你)?(相关|热门|推荐|延伸|最新|本类|同类|精彩|热点|猜你喜欢的)的?"
            r"(文章|阅读|链接|推荐|栏目|新闻|范文|资料|文档|搜索|专题|标签|排行榜?|更新|发布|内容|文件|政策|解读|讲话|材料|信息)"
            r"(推荐|列表|排行)?】?([:：].{0,160})?$",
            r"^(猜你喜欢|大家都在看|你可能(还|也)?(会)?(喜欢|感兴趣)|看过本文的人还看了|(编辑|今日|本周|小编|精彩)推荐|(阅读|点击|热文|热点|新闻)排行榜?"
            r"|友情链接|相关附件)([:：].{0,160})?$",
            r"^【[^【】]{1,60}】的?相关(文章|推荐|阅读)[:：]?$",
        ),
    ),
    (
        "source and editor",
        _found(
            r"^[\[【(（]?(来源|稿源|(本文|原文|页面)?(网址|链接|地址)(?=[:：](http|www))|信息来源|文章来源|稿件来源|出处|作者|责任编辑|责编|编辑|审核|校对|录入|供稿|通讯员|记者|整理|编发"
            r"|发布(时间|日期|单位|者|机构|人)|更新时间|时间|日期|浏览(次数|量)?|点击(数|率|量)?|阅读(数|量|次数)?|访问量?|字号|字体|字数"
            r"|关键词|关键字|标签|索引号|文号|发文机关|成文日期|主题分类|Tags?)[:：].{0,120}$",
            r"^\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}日?(\d{1,2}[:：]\d{2}([:：]\d{2})?)?((来源|作者|编辑|浏览|阅读|点击|字号|字体|发布|访问|\|).{0,80})?$",
            r"^.{0,20}发表于[:：]?\d{4}.{0,40}$",
            r"^\d+(次|人)?(浏览|阅读|点击|下载|收藏|点赞|赞)$",
            r"^(https?://|www\.)[^。！？，]{0,160}$",
            # a name, a day and a column, one after the other
            r"^[^。！？；，]{0,40}\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}日?[^。！？；，]{0,60}(来自|来源|转藏|浏览|阅\d|点击|评论)[^。！？；，]{0,60}$",
        ),
    ),
    (
        "page tools",
        _found(
            r"^[【\[(（]?(打印|打印本页|打印本文|关闭|关闭窗口|关闭本页|收藏|收藏本(页|文|站)|加入收藏|设为首页|分享|分享到.{0,30}|推荐给朋友|复制链接"
            r"|纠错|我要纠错|字体|大|中|小|登录|注册|退出|搜索|点赞|投稿|举报|全文阅读|点击(展开|阅读|查看)(全文|更多)?|展开(全文|更多|剩余.{0,8})"
            r"|收起(全文)?|阅读全文|查看更多|用手机看|扫一扫.{0,20}|返回(顶部|首页|列表|上页)|回到顶部|编辑|編輯|朗读|听文章|繁体|简体|无障碍|在看|赞)"
            r"([】\])）\[【|/｜·]+.{0,40})?$",
            r"^收藏在",
            r"^(打开|下载|进入|使用).{0,12}(APP|客户端|小程序)(.{0,20})$",
            r"^(大中小|字号大中小|(打印|关闭|收藏|分享|点赞|评论|转发|举报|在看|赞|编辑|返回|\d){2,}+)$",
        ),
    ),
    (
        "page foot",
        _found(
            r"^(主办|承办|协办|技术支持|网站标识码|地址|通讯地址|邮编|邮政编码|电话|联系电话|咨询电话|举报电话|传真|投稿邮箱|备案号|抄送|抄报|主题词"
            r"|附件)(单位)?[:：].{0,100}$",
            r"^(关于我们|联系我们|网站地图|网站声明|友情链接|使用帮助|隐私(政策|声明)|法律声明)([|｜·/-].{0,80}|(联系我们|网站地图|关于我们).{0,60})?$",
            r"^[（(]?此件(主动|依申请)?公开(发布)?[）)]?$",
            r"(Powered by|Processed in) ?\S",
            r"^建议(您)?使用.{0,40}(浏览|分辨率).{0,20}$",
        ),
    ),
    (
        "advertisement",
        _found(
            r"扫描?(下方|上方|下面)?.{0,6}二维码",
            r"关注.{0,14}公众号",
            r"公众号[:：]",
            r"微信(公众号|扫一扫|搜索)",
            r"下载.{0,10}(APP|客户端|安卓|Word版|文档|本文)",
            r"(开通|成为|加入|升级).{0,4}(会员|VIP)",
            r"会员.{0,8}(登录|下载|阅读)",
            r"广告(位|合作|投放)?[:：]",
            r"^[\[【(（]?广告[】\])）]?$",
            r"^(赞助商?|推广)(链接|内容)?$",
            r"代写.{0,8}(材料|文稿|论文)",
            r"QQ群?[:：]?\d{5,}",
            r"客服.{0,6}(微信|电话|QQ)",
            r"点击(这里|此处|进入|立即|(上方|下方)?蓝字)",
            r"长按.{0,10}(识别|扫码)",
            r"立即(购买|下载|咨询)",
            r"限时.{0,6}(优惠|免费|特价)",
        ),
    ),
    (
        "dateline",
        _found(
            r"^[（(]?[〇○零一二三四五六七八九十\d]{2,4}年[一二三四五六七八九十\d]{1,3}月([一二三四五六七八九十\d]{1,3}日)?"
            r"([,，、 ][^“：:说。]{1,24})?[）)]?$",
            r"^[——―─]{1,3}(在)?.{0,40}(会|会议|大会|仪式|座谈|典礼)上(的.{0,6}(讲话|报告|致辞|发言))?$",
            r"^[（(].{2,30}(讲话|报告|整理|录音|记录|节选|摘要|通过|讲话稿)[^。]{0,10}[）)]$",
        ),
    ),
    (
        "salutation",
        _found(
            r"^(尊敬的|敬爱的|亲爱的)?各位[^，。、！？；]{1,12}([、，](各位)?[^，。、！？；]{1,10}){0,4}[：:]$",
            # “谢谢同志们！” and “祝福你们！” are sentences
            r"^(?![^：:]*(谢|祝|致敬|敬礼|辛苦|问候|学习|依靠|相信|[我你他她它]们[!！]))"
            r"([^。！？；]{1,40}[、，,])?(各位|尊敬的|亲爱的|敬爱的)?[^。！？；]{0,16}"
            r"(同志|同志们|代表|委员|领导|来宾|朋友|朋友们|先生们|女士们|同学|同学们|老师们|老师|鄉親們|乡亲们|父老乡亲们|战友们|官兵|工友们"
            r"|职工们|社员们|家长|们|們|朋友們|代表們)[:：!！]$",
        ),
    ),
    (
        "notice",
        _found(
            r"^(本文|全文|此文|文章)(共|约|由|来自|仅供|转自|摘自|系).{0,60}$",
            r"^(以上|以下)(内容|文章)(由|来自|仅).{0,60}$",
            r"^.{0,10}(请阅读下面提示信息|正式会员可|试读结束|未登录用户)",
            r"^(特别|郑重|温馨|本站|平台)?(声明|提示|提醒)[:：].{0,120}$",
            r"^(内容)?(摘要|提要|导读|简介|核心提示)[:：].{0,200}$",
            r"小编.{0,12}(整理|收集|推荐|分享|提示|提醒|精心)",
            r"^(以上|以下|这|本文|文章|范文).{0,50}(仅供(大家)?参考|供大家参考|希望(对|能).{0,6}(您|你|大家).{0,6}帮助)[。！!]?$",
            r"^欢迎(光临|访问|阅读|下载|使用|关注).{0,60}$",
            r"^(本|该)(网?站|文库|文档|平台)[^。]{0,40}(用户|网友|会员|上传|版权|侵权|网络存储|不代表|仅供)",
            r"^亲[,，].{0,80}(文档|下载|会员|购买|收藏)",
        ),
    ),
    (
        "caption",
        _found(
            r"^[▲△▼↑↓][^。！？]{1,60}$",
            r"^[（(]?(图为|上图|下图|图片来源|图片说明|资料图|摄影)[^。]{0,60}[。）)]?$",
            r"^\[?(图片|视频)\]?$",
        ),
    ),
    ("end mark", _found(r"^[（(【\[]?(完|全文完|结束|END|讲话完)[）)】\]]?$", r"^[-—=*_~·.＊－＝]{3,}$")),
]

_NOTICE_WORDS = (
    r"(?:省略\d+字|正式会员|会员可|当前只显示|全文共\d+字|只显示\d+字|未完[,，]|试读|登录后|付费|阅读全文|查看全文|全文下载"
    r"|剩余\d+|请阅读下面|此处省略|需要?(?:登录|付费|购买)|VIP)"
)
_SITE = r"(?:www\.|https?://|\.com|\.cn|\.net|\.org|公众号|微信号|范文网|文秘网|文库网|文档网|公文网|材料网)"
_INSIDE = [
    (
        "truncation notice",
        _any(
            rf"(?:(?<!…)…++|\.\.\.)*+[（(\[【][^（）()\[\]【】]{{0,80}}?{_NOTICE_WORDS}[^（）()\[\]【】]{{0,160}}(?:[）)\]】](?:…|\.\.\.)*|$)"
        ),
    ),
    (
        "copy trap",
        _any(
            r"[（(\[【](?:内容|文章|本文)?(?:来自|来源于?|转自|摘自|出自)[^（）()\[\]【】。]{0,30}(?:网|\.(?:com|cn|net|org))"
            r"[^（）()\[\]【】。]{0,20}[）)\]】]",
            rf"[（(\[【][^（）()\[\]【】。]{{0,40}}?{_SITE}[^（）()\[\]【】。]{{0,40}}[）)\]】]",
            r"[\[【][^\[\]【】，。]{1,10}网[\]】]",
        ),
    ),
    (
        "address",
        _any(
            r"(?:https?://|www\.)[A-Za-z0-9./?=&%_:#~-]+",
            r"(?<![A-Za-z0-9@])[A-Za-z0-9-]+\.(?:com|cn|net|org)(?:\.cn)?(?:/[A-Za-z0-9./?=&%_-]*)?",
        ),
    ),
    ("footnote mark", _any(r"\[\d{1,3}\]|\[注\d*\]|(?<=[\u4e00-\u9fff。，”》])\[[a-z]\]")),
    ("page tools", _any(r"\[编辑\]|\[編輯\]")),
    (
        "pager",
        _any(
            r"[\[【（(](?:上一页|下一页|第\d+页)(?:[|/]*(?:上一页|下一页|第\d+页|\d))++[\]】）)]",
            r"(?:[\[【（(]?(?:上一页|下一页)[\]】）)]?){2,}",
            r"[\[【（(]?上一页[\]】）)]?(?:[\[【（(]?\d[\]】）)]?)+[\[【（(]?下一页[\]】）)]?",
        ),
    ),
    ("stray mark", _any(r"(?<=[\u4e00-\u9fff、，。”])_+(?=[\u4e00-\u9fff、，。；“])|(?<=[\u4e00-\u9fff])_+$")),
]
_FOOTNOTE = re.compile(r"^(↑|\^|[①-⑳]((见|参看|参见|引自|载)?《|.{0,60}(同上|第\d+页))|\[\d+\](?!\[).{4,}第?\d*页?)")
_ADDRESS = re.compile(r"www|http|@|QQ|公众号", re.IGNORECASE)


def cut_inside(block: Block, only: str = "") -> None:
    """Take furniture out of a block's text (all kinds, or `only` one); the rest stays."""
    for reason, pattern in _INSIDE:
        if only and reason != only:
            continue
        while match := pattern.search(block.text):
            block.cut(match.start(), match.end(), reason)


def ends_the_text(block: Block) -> str | None:
    """The reason why this block and all after it are not the speech, or None."""
    return next((reason for reason, found in _TO_THE_END if found(block.text)), None)


def reason_to_drop(block: Block) -> str | None:
    """The reason why the whole block is not the speech, or None."""
    text = block.text
    if _FOOTNOTE.match(text):
        return "footnote"
    # a paragraph that mentions a public account or a download is still a paragraph
    long = len(text) > 140 or (len(text) > 45 and text[-1] in "。！" and not _ADDRESS.search(text))
    # “时间：我们最缺的就是时间，……。” begins like a label and is a sentence
    told = text[-1] == "。" and "，" in text
    for reason, found in _BLOCK:
        if long and reason in ("copyright notice", "advertisement", "licence notice"):
            continue
        if told and reason == "source and editor":
            continue
        if found(text):
            return reason
    return None
