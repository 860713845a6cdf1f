"""What a page holds besides the speech: navigation, advertisements, notices, comments, licences.

Rules for whole blocks, and for stretches inside one. Each names its reason; what it takes is listed
in `report.json`, so anybody can check what was dropped.
"""

import re

from jianghua.ingest.blocks import Block

# from such a block on, everything is dropped
_TO_THE_END = [
    (
        "licence notice",
        re.compile(r"^本作品(是|来自|在|由|的作者|之|原文|现时|目前|采用|可)|^此作品|^Public ?domain", re.I),
    ),
    (
        "reader comments",
        re.compile(
            r"^(网友|读者|用户|最新|热门|全部)?(评论|留言|跟帖)(列表|区|专区)?(\s*[（(]?\d+.*)?[:：]?$|^共?\d+条(评论|留言)"
        ),
    ),
    ("notes", re.compile(r"^(注|注释|字库未存字注释|参考文献|引文出处|脚注|Notes)[:：]?$")),
]

_BLOCK = [
    ("stray word", re.compile(r"^(false|true|null|undefined|NaN)+$")),
    (
        "licence notice",
        re.compile(r"公有领域|不适用于该法|中文维基文库|知识共享|Creative Commons|CC BY|Public ?domain", re.I),
    ),
    (
        "copyright notice",
        re.compile(
            r"版权(所有|归|声明)|著作权归|All Rights Reserved|Copyright|©|ICP备|公网安备|转载(请|须|时)?(注明|标明)|未经.{0,12}(许可|授权).{0,12}(转载|复制)|免责声明|侵权.{0,10}(联系|删除)",
            re.I,
        ),
    ),
    (
        "breadcrumb",
        re.compile(
            r"^(当前|您(现|当前)?(的|所在)?)?位置[:：]|^(首页|网站首页|主页)([>»›/|＞→·-].*)?$|^[^。！？]{0,60}([>»›＞]{1,2}[^。！？>»›＞]{1,24}){2,}$"
        ),
    ),
    (
        "pager",
        re.compile(
            r"^[\[【(（]?(上一?[页篇章]|下一?[页篇章]|首页|末页|尾页|返回(目录|顶部|首页|列表)?|目录|第?\d+页|共\d+页|\d+/\d+页?|[-—]\s*\d+\s*[-—])([\]】)）|/｜\s·]*(上一?[页篇章]|下一?[页篇章]|首页|末页|尾页|返回(目录|顶部|首页|列表)?|目录|第?\d+页|共\d+页|\d+|…|\.\.\.))*[\]】)）]?$"
        ),
    ),
    ("pager", re.compile(r"^第\d{1,3}页[,，/\s]*共\d{1,3}页$|^[\d\s|\[\]…]{1,40}$|^Page\s*\d+(\s*of\s*\d+)?$", re.I)),
    ("previous and next", re.compile(r"^(上一篇|下一篇|前一篇|后一篇|上篇|下篇)\s*[:：]")),
    (
        "related links",
        re.compile(
            r"^(更多)?(相关|热门|推荐|延伸|最新|本类|同类|精彩|热点)的?(文章|阅读|链接|推荐|栏目|新闻|范文|资料|文档|搜索|专题|标签)(推荐|列表)?\s*([:：].{0,160})?$|^(猜你喜欢|大家都在看|你可能(还)?喜欢|看过本文的人还看了)[:：]?$"
        ),
    ),
    (
        "source and editor",
        re.compile(
            r"^[\[【(（]?(来源|稿源|信息来源|文章来源|出处|作者|责任编辑|责编|编辑|审核|校对|录入|供稿|通讯员|记者|发布(时间|日期|单位|者)|更新时间|时间|日期|浏览(次数|量)?|点击(数|率|量)?|阅读(数|量|次数)?|字号|字体|关键词|关键字|标签|Tags?)\s*[:：].{0,120}$",
            re.I,
        ),
    ),
    (
        "page tools",
        re.compile(
            r"^[【\[(（]?(打印|打印本页|打印本文|关闭|关闭窗口|收藏|收藏本(页|文|站)|加入收藏|分享|分享到.{0,30}|推荐给朋友|复制链接|纠错|我要纠错|字体|大|中|小|登录|注册|退出|搜索|点赞|投稿|举报|全文阅读|点击(展开|阅读|查看)(全文|更多)?|展开全文|阅读全文|用手机看|扫一扫.{0,20})([】\])）\s|/｜·]+.{0,40})?$|^收藏在"
        ),
    ),
    (
        "advertisement",
        re.compile(
            r"(扫描?(下方|上方|下面)?.{0,6}二维码|关注.{0,14}公众号|微信(公众号|扫一扫|搜索)|下载.{0,10}(APP|客户端|安卓|Word版|文档|本文)|(开通|成为|加入|升级).{0,4}(会员|VIP)|会员.{0,8}(登录|下载|阅读)|广告(位|合作|投放)?[:：]|^广告$|^(赞助商?|推广)(链接|内容)?$|代写.{0,8}(材料|文稿|论文)|QQ群?[:：]?\d{5,}|客服.{0,6}(微信|电话|QQ)|点击(这里|此处|进入|立即)|立即(购买|下载|咨询)|限时.{0,6}(优惠|免费|特价))",
            re.I,
        ),
    ),
    (
        "dateline",
        re.compile(
            r"^[（(]?[〇○零一二三四五六七八九十\d]{2,4}年[一二三四五六七八九十\d]{1,3}月([一二三四五六七八九十\d]{1,3}日)?([,，、 ][^“：:说]{1,24})?[）)]?$|^[——―─]{1,3}(在)?.{0,40}(会|会议|大会|仪式|座谈|典礼)上(的.{0,6}(讲话|报告|致辞|发言))?$|^[（(].{2,30}(讲话|报告|整理|录音|记录|节选|摘要|通过|讲话稿)[^。]{0,10}[）)]$"
        ),
    ),
    (
        "salutation",
        re.compile(
            r"^([^。！？；]{1,40}[、，, ])?(各位|尊敬的|亲爱的|敬爱的)?[^。！？；]{0,16}(同志|同志们|代表|委员|领导|来宾|朋友|朋友们|先生们|女士们|同学|同学们|老师们|老师|乡亲们|父老乡亲们|战友们|官兵|工友们|职工们|社员们|家长|们)\s*[:：!！]$"
        ),
    ),
    (
        "notice",
        re.compile(
            r"^(本文|全文|此文|文章)(共|约|由|来自|仅供|转自|摘自|系).{0,60}$|^(以上|以下)(内容|文章)(由|来自|仅).{0,60}$|^.{0,10}(请阅读下面提示信息|正式会员可|试读结束|未登录用户)"
        ),
    ),
    ("end mark", re.compile(r"^[（(【\[]?(完|全文完|结束|END|讲话完)[）)】\]]?$", re.I)),
]

_NOTICE_WORDS = r"(?:省略\d+字|正式会员|会员可|当前只显示|全文共\d+字|只显示\d+字|未完[,，]|试读|登录后|付费|阅读全文|剩余\d+|请阅读下面)"
_INSIDE = [
    (
        "truncation notice",
        re.compile(
            rf"(?:…|\.\.\.)*[（(\[【][^（）()\[\]【】]{{0,80}}?{_NOTICE_WORDS}[^（）()\[\]【】]{{0,160}}(?:[）)\]】](?:…|\.\.\.)*|$)"
        ),
    ),
    (
        "copy trap",
        re.compile(
            r"[（(\[【](?:内容|文章|本文)?(?:来自|来源于?|转自|摘自|出自)[^（）()\[\]【】。]{0,30}(?:网|\.(?:com|cn|net|org))[^（）()\[\]【】。]{0,20}[）)\]】]",
            re.I,
        ),
    ),
    (
        "address",
        re.compile(
            r"(?:https?://|www\.)[A-Za-z0-9./?=&%_:#~-]+|(?<![A-Za-z0-9@])[A-Za-z0-9-]+\.(?:com|cn|net|org)(?:\.cn)?(?:/[A-Za-z0-9./?=&%_-]*)?",
            re.I,
        ),
    ),
    ("footnote mark", re.compile(r"\[\d{1,3}\]|\[注\d*\]|(?<=[\u4e00-\u9fff。，”》])\[[a-z]\]")),
    (
        "pager",
        re.compile(
            r"[\[【（(](?:上一页|下一页|第\d+页|\d+)(?:[\s|/]*(?:上一页|下一页|第\d+页|\d+))+[\]】）)]|(?:上一页\s*|下一页\s*){2,}|上一页(?:\[?\d+\]?)+下一页"
        ),
    ),
    ("stray mark", re.compile(r"(?<=[\u4e00-\u9fff、，。”])_+(?=[\u4e00-\u9fff、，。；“])|(?<=[\u4e00-\u9fff])_+$")),
]
_FOOTNOTE = re.compile(r"^(↑|\^|[①-⑳]\s*.{0,60}(《|同上|第\d+页)|\[\d+\]\s*.{4,}第?\d*页?)")


def cut_inside(block: Block) -> None:
    """Take furniture out of a block's text; the rest stays."""
    for reason, pattern in _INSIDE:
        while match := pattern.search(block.text):
            if match.start() == match.end():
                break
            block.cut(match.start(), match.end(), reason)


def ends_the_text(block: Block) -> str | None:
    """The reason why this block and all after it are not the speech, or None."""
    for reason, pattern in _TO_THE_END:
        if pattern.search(block.text):
            return reason
    return None


def reason_to_drop(block: Block) -> str | None:
    """The reason why the whole block is not the speech, or None."""
    text = block.text
    if _FOOTNOTE.match(text):
        return "footnote"
    # a paragraph that mentions a public account or a download is still a paragraph
    long = len(text) > 140 or (len(text) > 45 and text[-1] in "。！" and not re.search(r"www|http|@|QQ", text))
    for reason, pattern in _BLOCK:
        if long and reason in ("copyright notice", "advertisement", "licence notice"):
            continue
        if pattern.search(text):
            return reason
    return None
