"""What is furniture and what is speech, line by line."""

import time

import pytest

from jianghua.ingest.blocks import line_blocks
from jianghua.ingest.furniture import cut_inside, ends_the_text, reason_to_drop

FURNITURE = {
    "breadcrumb": ["当前位置：首页 > 领导讲话 > 正文", "您现在的位置：首页>>政务公开", "首页 > 讲话 > 县委 > 正文"],
    "pager": ["上一页 下一页", "第2页", "[1] [2] [3] 下一页", "- 7 -", "共3页 第2页", "首页 上一页 1 2 3 下一页 尾页"],
    "previous and next": ["上一篇：在植树节上的讲话", "下一篇：没有了", "上一条:关于放假的通知"],
    "related links": [
        "相关文章：",
        "更多相关文章:在会上的讲话",
        "相关栏目：社区 乡镇 干部",
        "热门推荐",
        "猜你喜欢",
        "延伸阅读",
    ],
    "source and editor": [
        "来源：清溪日报",
        "（责任编辑：王小明）",
        "责编：张三、李四",
        "发布时间：2023-05-18 09:12",
        "2023年11月9日",
        "2023-05-18 09:12:33 来源：清溪网",
        "浏览次数：1024",
        "编辑：小赵　校对：大李　审核：老孙",
    ],
    "copyright notice": ["版权所有 © 2020 清溪网", "未经书面授权禁止转载", "沪ICP备00000000号"],
    "page tools": [
        "【打印本页】【关闭窗口】",
        "点击展开全文",
        "收藏在安全生产会议上的讲话",
        "分享到：微信 微博",
        "设为首页",
    ],
    "advertisement": [
        "扫描下方二维码，关注“文秘材料”公众号",
        "需要完整版请加客服微信：wenmi",
        "【广告】",
        "下载Word版本文",
    ],
    "stray word": ["false", "falsefalse", "undefined"],
    "salutation": [
        "同志们：",
        "各位代表：",
        "尊敬的各位领导、各位来宾、朋友们：",
        "老师们，同学们！",
        "各位委员、同志们：",
    ],
    "dateline": ["（2023年11月9日）", "二〇二三年十一月九日", "（二○○八年一月二十日）"],
    "end mark": ["（完）", "----------", "* * *"],
    "caption": ["图为会议现场。"],
    "licence notice": ["本作品由作者以知识共享署名许可协议发布"],
    "page foot": ["主办：清溪镇人民政府", "联系电话：000-0000000", "附件：任务分解表"],
    "notice": ["本文共1284字", "声明：本站内容来自网友投稿"],
}


@pytest.mark.parametrize(("reason", "line"), [(reason, line) for reason, lines in FURNITURE.items() for line in lines])
def test_furniture_is_dropped_for_its_reason(reason, line):
    (block,) = line_blocks(line)
    assert (reason_to_drop(block) or ends_the_text(block)) == reason


@pytest.mark.parametrize(
    "line",
    [
        "谢谢大家！",
        "谢谢同志们！",
        "同志们，会就开到这里，散会。",
        "各位代表，现在我代表县人民政府向大会报告工作，请予审议。",
        "我讲三点意见。",
        "下一篇文章该怎么写，要看我们今年的实践。",
        "群众来信的目录我每天都看，第一页就是低保。",
        "来源：一是上级转移支付，二是本级税收，三是土地出让金，三项合计十二亿元，账目是清楚的。",
        "一些部门把公众号办成了自娱自乐的地方，群众关注它，它不关注群众。",
        "编辑部的同志跑了四十个村，写出了二十篇好稿子。",
        "评论区里骂声一片，我们的同志却说没有看见。",
        "上一页翻过去了，新的一页要靠大家来写。",
        "时间：我们最缺的就是时间，今天的事必须今天办完。",
        "地址写错了三次，老人白跑了三趟，这样的服务群众能满意吗？",
        "2023年11月9日那天夜里，河堤决了口，老支书第一个跳下水去。",
        "五年来，网站首页换了三次，群众要找的办事指南还是在第六层页面上。",
        "版权意识不强，抄来抄去，是一些同志写材料的通病。",
        "会员大会每年至少开一次，章程上写得明明白白。",
        "10、建立台账。",
        "怎么办？",
        "1.2亿元。",
        "1286条留言，条条都是民声，我逐条看过，一条也不许落下。",
        "2021年7月20日，郑州遭遇特大暴雨。",
        "①认真学习贯彻《防洪法》，把责任落实到每个岗位。",
        "要搭建交流平台，促进知识共享、人才共用。",
        "各办事窗口要在醒目位置张贴监督二维码，群众扫描二维码就能评价，差评三个工作日之内回访，一件也不许拖过夜。",
    ],
)
def test_a_sentence_of_a_speech_is_kept(line):
    (block,) = line_blocks(line)
    assert reason_to_drop(block) is None
    assert ends_the_text(block) is None


@pytest.mark.parametrize(
    "line", ["网友评论（12条）", "发表评论", "注释", "本作品在中华人民共和国属于公有领域，因为它是法律。"]
)
def test_from_comments_and_licences_on_nothing_is_speech(line):
    (block,) = line_blocks(line)
    assert ends_the_text(block)


@pytest.mark.parametrize(
    ("line", "left"),
    [
        ("提升治理能力和水……(快稿网http://www.kg.example.cn省略73字,正式会员可完整阅读)……", "提升治理能力和水"),
        ("就是要带头干，……(未完,全文共579字,当前只显示279字,请阅读下面提示信息。", "就是要带头干，"),
        ("经济_发展离不开大家。", "经济发展离不开大家。"),
        ("要抓紧[1]落实[注2]。", "要抓紧落实。"),
        ("全县动员[上一页][1][2][下一页]起来。", "全县动员起来。"),
        ("我们的目标（本文来自好稿网）一定能实现。", "我们的目标一定能实现。"),
        ("网址是www.haogao.example.com今年要改版。", "网址是今年要改版。"),
        ("三项工作（见附件）要落实。", "三项工作（见附件）要落实。"),
        ("他在[2023]5号文件上签了字。", "他在[2023]5号文件上签了字。"),
        ("增长……说明方向是对的。", "增长……说明方向是对的。"),
    ],
)
def test_furniture_inside_a_sentence_is_cut_out_and_the_sentence_stays(line, left):
    (block,) = line_blocks(line)
    cut_inside(block)
    assert block.text == left
    assert len(block.starts) == len(block.ends) == len(left)
    for start, end, _ in block.dropped:
        assert line[start:end] not in left


@pytest.mark.parametrize(
    "line",
    [
        "上一页" + "".join(map(str, range(1, 40))) + "下一页共40页到第页确定",
        "第10页" * 40 + "完",
        "1" * 9000 + "号",
        "…" * 9000,
        "上一页" + "12" * 60 + "号",
        "（第1页" + "12" * 60 + "号",
    ],
    ids=["pager and more", "pages", "digits", "ellipses", "half a pager", "half a pager in brackets"],
)
def test_a_line_that_is_nearly_a_pager_is_judged_at_once(line):
    [block] = line_blocks(line)
    began = time.process_time()
    reason_to_drop(block)
    cut_inside(block)
    assert time.process_time() - began < 1
