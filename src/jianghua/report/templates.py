"""Filling in the templates of this room's pages, and what more than one page puts into its own."""

from jianghua.schema import LABELS_ZH

# “none” is spelled out, not taken from annotate: the demo Space carries this room without that one
NAMES_ZH = LABELS_ZH | {"none": "无"}
# groups of slices and values of columns, which the data names in English
GROUPS_ZH = {
    "constructed": "编写的讲话",
    "public": "公开报告",
    "none": "无",
    "train": "训练",
    "validation": "验证",
    "test": "测试",
    "plain": "平实",
    "formulaic": "程式化",
    "warm": "亲切",
    "blunt": "直率",
    "spoken": "口语",
    "half_width": "半角标点",
    "typos": "错字",
    "traditional": "繁体",
    "ocr": "扫描错字",
    "first third": "前三分之一",
    "middle third": "中三分之一",
    "last third": "后三分之一",
    "under 80": "不足 80 字",
    "80-199": "80–199 字",
    "200 and over": "200 字及以上",
    "disputed": "有分歧",
    "unanimous": "一致",
    "3 or more": "3 种及以上",
    "national": "国家",
    "province": "省",
    "city": "市",
    "county": "县",
    "district": "区",
    "township": "乡镇",
    "village": "村",
    "army": "部队",
    "bureau": "局",
    "company": "企业",
    "hospital": "医院",
    "ministry": "部委",
    "school": "中小学",
    "university": "高校",
    "government_work_report": "政府工作报告",
    "party_congress_report": "党代会报告",
    "commendation": "表彰",
    "disaster": "救灾",
    "handover": "交接",
    "investment": "招商投资",
    "mass_meeting": "群众大会",
    "mobilisation": "动员",
    "party_congress": "党代会",
    "petitions": "信访",
    "plan_report": "计划报告",
    "safety": "安全",
    "school_ceremony": "学校典礼",
    "summary_meeting": "总结会",
    "symposium": "座谈会",
    "warning_education": "警示教育",
    "work_meeting": "工作会议",
    "work_report": "工作报告",
    "anniversary": "周年纪念",
    "democratic_life_meeting": "民主生活会",
    "inspection_feedback": "巡察反馈",
    "site_meeting": "现场会",
    "visit": "走访调研",
}


def render(template: str, /, **values) -> str:
    """HTML of that template with these values, escaped wherever they are plain text."""
    from jinja2 import Environment, PackageLoader

    templates = Environment(loader=PackageLoader("jianghua.report", "."), autoescape=True)
    # Chinese as it is; what would end a script element is escaped all the same
    templates.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "separators": (",", ":")}
    return templates.get_template(template).render(values)
