"""HTML source: what is seen, where it stands, and what markup alone says."""

import time

import pytest

from jianghua.ingest import ingest_file

FIRST = "去年全镇修通了六条断头路，群众出行再也不用绕远，这是实实在在的好事。"
SECOND = "今年要把余下的三条也修通，十月底以前必须通车，镇里每月通报一次。"


@pytest.fixture
def read(tmp_path):
    def read(source):
        (tmp_path / "页.html").write_bytes(source.encode("utf-8"))
        document = ingest_file(tmp_path / "页.html")
        return [p.text for p in document.paragraphs], document

    return read


@pytest.mark.parametrize(
    "source",
    [
        f"<p>{FIRST}</p><p>{SECOND}</p>",
        f"<P>{FIRST}<P>{SECOND}",
        f"<div>{FIRST}<div>{SECOND}</div></div>",
        f"{FIRST}<br><br>{SECOND}<br>",
        f"<br/>　　{FIRST}<br />　　{SECOND}",
        f"<ul><li>{FIRST}<li>{SECOND}</ul>",
        f"<table><tr><td>{FIRST}<tr><td>{SECOND}</table>",
        f"<table><tr><td><table><tr><td>{FIRST}</td></tr></table></td><td><p>{SECOND}</td></tr></table>",
        f"<section><section><span>{FIRST[:9]}</span><b>{FIRST[9:]}</b></section></section><section>{SECOND}</section>",
        f"<pre>　　{FIRST}\n　　{SECOND}\n</pre>",
        f"<p>{FIRST[:15]}\n    {FIRST[15:]}</p>\n<p>{SECOND}</p>",
        f"<p>{FIRST[:15]}<!-- 分页 > <p>没有</p> -->{FIRST[15:]}</p><p>{SECOND}</p>",
        f"<p title='a > b'>{FIRST}</p><p title=\"</p>\">{SECOND}</p>",
        f"<p>{FIRST}</div></p></td><p>{SECOND}</span>",
        f"<p>{FIRST}</p><style>p {{ color: red }}</style><script>if (1 < 2) s = '<p>脚本</p>'</script><p>{SECOND}</p>",
        f"<![CDATA[没有]]><p>{FIRST}</p><?xml-stylesheet?><p>{SECOND}</p>",
        f"<svg><text>图</text></svg><p>{FIRST}</p><select><option>选项</option></select><p>{SECOND}</p>",
        f"<p><ruby>{FIRST[:2]}<rt>qù nián</rt></ruby>{FIRST[2:]}</p><p>{SECOND}</p>",
    ],
)
def test_two_paragraphs_are_found_however_they_are_marked_up(read, source):
    assert read(source)[0] == [FIRST, SECOND]


@pytest.mark.parametrize(
    "trap",
    [
        '<{0} style="display:none">{1}</{0}>',
        '<{0} style="DISPLAY : none !important">{1}</{0}>',
        '<{0} style="visibility:hidden">{1}</{0}>',
        '<{0} style="font-size:0">{1}</{0}>',
        '<{0} style="color:#ffffff">{1}</{0}>',
        '<{0} style="color: white">{1}</{0}>',
        '<{0} style="color:rgb(255, 255, 255)">{1}</{0}>',
        '<{0} style="position:absolute;left:-9999px">{1}</{0}>',
        '<{0} style="opacity:0">{1}</{0}>',
        "<{0} hidden>{1}</{0}>",
        '<{0} class="x1">{1}</{0}>',
        '<{0} id="x2">{1}</{0}>',
        '<{0} class="jammer">{1}</{0}>',
    ],
)
@pytest.mark.parametrize("tag", ["p", "span"])
def test_text_nobody_sees_is_dropped(read, trap, tag):
    hidden = trap.format(tag, "本文由某某范文网整理，请勿转载。")
    sheet = "<style>.x1, .y { display: none } #x2 { font-size: 0px; }</style>"
    inside = f"{FIRST[:10]}{hidden}{FIRST[10:]}" if tag == "span" else f"{FIRST}</p>{hidden}<p>"
    found, document = read(f"{sheet}<p>{inside}</p><p>{SECOND}</p>")
    assert found == [FIRST, SECOND]
    assert "hidden text" in {reason for _, _, reason, _ in document.dropped}


@pytest.mark.parametrize("mark", ["<![end if]>", "<![ if x]>", "<![foo[x]]>", "<![]>"])
def test_a_declaration_that_no_standard_knows_is_skipped(read, mark):
    assert read(f"<p>{FIRST}</p>{mark}<p>{SECOND}</p>")[0] == [FIRST, SECOND]


def test_a_heading_in_an_anchor_as_word_writes_it_is_a_heading(read):
    _, document = read(f"<h1>讲话</h1><p>{FIRST}</p><h2><a name='_Toc1'>一、当前的形势</a></h2><p>{SECOND}</p>")
    assert [p.section for p in document.paragraphs] == ["", "一、当前的形势"]


@pytest.mark.parametrize("name", ["稿.md", "稿.txt"])
def test_a_tag_or_two_make_no_page_of_a_text(name, tmp_path):
    (tmp_path / name).write_text(f"<a name='top'></a>\n\n<b>好。</b>{FIRST}\n\n{SECOND}\n", "utf-8")
    document = ingest_file(tmp_path / name)
    assert document.kind == "txt"
    assert [p.text for p in document.paragraphs][-1] == SECOND


@pytest.mark.parametrize("style", ["color:#333", "background:#fff", "font-size:10.5pt", "text-indent:2em", "left:0"])
def test_text_everybody_sees_is_kept(read, style):
    assert read(f'<p style="{style}">{FIRST}</p><p><span style="{style}">{SECOND}</span></p>')[0] == [FIRST, SECOND]


def test_white_text_on_a_dark_ground_is_seen(read):
    assert read(f'<p style="background:#900;color:#fff">{FIRST}</p><p>{SECOND}</p>')[0] == [FIRST, SECOND]


def test_offsets_span_entities_whole(read):
    source = f"<p>&nbsp;&nbsp;&ldquo;{FIRST[:-1]}&#12290;&rdquo;&nbsp;</p>"
    (text,), document = read(source)
    (paragraph,) = document.paragraphs
    assert text == f"“{FIRST}”"
    assert source[paragraph.start : paragraph.end] == f"&ldquo;{FIRST[:-1]}&#12290;&rdquo;"


def test_a_page_that_a_script_uncovers_is_read_and_the_traps_in_it_are_not(read):
    trap = '<span style="display:none">某某网</span>'
    inside = f"<p>{FIRST[:8]}{trap}{FIRST[8:]}</p><p>{SECOND}</p>" * 3
    assert read(f'<div style="visibility:hidden">{inside}</div><p>分享</p>')[0] == [FIRST, SECOND] * 3


@pytest.mark.parametrize("name", ["page-side", "share-content", "main-nav-wrap", "hot_article"])
def test_a_container_with_a_misleading_name_that_holds_the_speech_is_read(read, name):
    assert read(f'<div class="{name}"><p>{FIRST}</p><p>{SECOND}</p></div>')[0] == [FIRST, SECOND]


@pytest.mark.parametrize(
    "furniture",
    [
        "<nav><a href='/'>首页</a><a href='/b'>要闻</a></nav>",
        "<div class='breadcrumb'>首页 / 要闻 / 正文</div>",
        "<footer><p>某某镇人民政府主办，技术支持某某公司，建议使用高版本浏览器访问本站。</p></footer>",
        "<div class='related'><p>镇里召开春耕动员会，部署今年的粮食生产工作，各村书记参加会议。</p></div>",
        "<figure><img src='a.jpg'><figcaption>会议现场的照片，记者摄于镇政府三楼会议室。</figcaption></figure>",
        "<div id='comments'><p>写得真好，希望说到做到，我们老百姓都看着呢，为你们点赞。</p></div>",
        "<ul><li><a href='1'>全县防汛工作会议召开</a></li><li><a href='2'>秋粮收购今日开始</a></li></ul>",
    ],
)
def test_furniture_by_markup_is_dropped_before_and_after_the_text(read, furniture):
    more = f"<p>{FIRST}</p><p>{SECOND}</p>" * 3
    for source in (f"{furniture}<div>{more}</div>", f"<div>{more}</div>{furniture}"):
        assert read(source)[0] == [FIRST, SECOND] * 3


@pytest.mark.parametrize(
    ("source", "title"),
    [
        ("<title>在春耕会上的讲话-某某网</title>", "在春耕会上的讲话"),
        ("<title>某某镇 在春耕会上的讲话</title><h1>在春耕会上的讲话</h1>", "在春耕会上的讲话"),
        ("<title>某某镇人民政府</title><h1>在春耕会上的讲话</h1>", "在春耕会上的讲话"),
        ('<title>页</title><meta name="ArticleTitle" content="在春耕会上的讲话">', "在春耕会上的讲话"),
        ("", "页"),
    ],
)
def test_the_title_is_the_speech_s_not_the_site_s(read, source, title):
    _, document = read(f"{source}<p>{FIRST}</p><p>{SECOND}</p>")
    assert document.title == title


def test_a_page_of_boxes_in_boxes_is_read_in_time_by_its_length(read):
    """Looking through all open elements at every tag would take minutes."""
    deep = 16_000
    began = time.process_time()
    texts, _ = read("<div>" * deep + f"<p>{FIRST}</p>" + "</div>" * deep + f"<p>{SECOND}</p>")
    assert texts == [FIRST, SECOND]
    assert time.process_time() - began < 12
