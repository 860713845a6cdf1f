"""Characters that are taken for one another: by an input method (same sound) and by a scanner (same look).

Used by `robustness`. Left out are digits, numerals (一 to 十, 百, 千, 万, 亿, 两) and the negations 不, 没, 无,
未, 非, 别: another one would be another claim. Some that are left in make one too, 半, 几 and 止 among them.
"""

# the 900 most frequent characters of the train part, by reading and tone
_SAME_SOUND = (
    "医依 个各 时实食石识 部步布 有友 在再 到道倒 是市事室示试式士视 月越 里理 工公供功攻 家加 "
    "以已 出初 全权 会汇 成程城承 中钟终 位为卫 和合核河 后候 业夜叶 前钱 县现线限献 午伍武 "
    "员元原园源 作做坐座 名明 要药 办半 就救旧 委尾 生升 今金斤 由油游 班搬 政正证 自字 管馆 "
    "件建见健 机基积 单担 查察茶 行形型 起企 户护互 头投 地第弟 对队 乡相箱 之支织知 项向象像 "
    "务物误 清轻青 进近 签迁牵 经精 任认 案按 定订 院愿 还孩 级集急及即 动冻 校效 "
    "记计技季纪绩济际既 间监坚 场厂 接街阶 数术树 社设涉 重众 教较叫 所索锁 新心 关官观 提题 "
    "于余渔 路录 站占战 书输 排牌 手守首 意议益疫义易役 话化划 结节截 检减 代带待 平评凭 责则 "
    "那纳 调掉 师施失 其齐 比笔 志制治至置质致滞 账障 他她 己几 职值执直 讲奖 量辆 力立利例历 "
    "照召 连联 号耗 住助驻 复负付副覆 司思 率律 留流 停庭 备被背 与予雨 规归 续序 均军 防房 "
    "岗港 病并 警井 训汛 只指纸止 往网 才材财 系细 决觉 课客 格革隔 服扶 跟根 修休 反返 块快 "
    "遍变便 边编 段断 达答 风封 性姓 育预域遇 况矿 常偿 研严言沿延 商伤 张章 林临 难南 属署 "
    "气器 听厅 参餐 强墙 类累 想响 据具句 诉宿速素 低堤 身深申 消销 测策册 确却 东冬 习席 登灯 "
    "够构购 而儿 船传 巡旬 兵冰 险显 练链 息西希 堂塘 范饭犯 紧仅 什神 田填 借届界 货或 映硬 "
    "托拖脱 围违维 引饮 感赶 境净 马码 楚储 固故 使史始 另令 屋污 容融 股骨 征争 搞稿"
)

# written by hand: shapes that differ by a stroke or a part
_SAME_LOOK = (
    "己已巳 人入 大太犬 土士 天夫 日曰 于干 王玉主 力刀 工土 木本 田由甲 申甲 问间 间闻 阅闯 "
    "今令 处外 几凡 办为 治冶 准淮 冲沖 洽恰 拨拔 析折 侯候 既即 延廷 治洽 晴睛 清请 情请 "
    "侍待 传转 任仕 休体 住往 佳住 任住 件伴 低底 作怍 技枝 把抱 扰拢 扑朴 扶抉 抓抵 场扬 "
    "坚竖 城域 块决 坏杯 均圴 壮状 宣宜 官宫 实买 客容 密蜜 安妄 宁宇 完宪 历厉 厂广 压庄 "
    "应座 库庠 度席 民氏 良艮 根恨 银很 限艰 眼跟 收攻 故敌 效郊 放於 政攻 教敎 数敎 部郎 "
    "都郡 那邦 邮邱 县具 且旦 具且 县且 旦且 真直 责贵 贡贯 货贷 资贸 费贾 项顷 须项 领颂 "
    "顺须 预颂 题提 员贝 风凤 凤风 冈风 区医 匡巨 全金 会合 合台 各名 名各 吏史 吉告 听昕 "
    "员圆 困因 因囚 回囘 国图 图囤 团困 固团 农衣 衣农 表衷 装袋 西酉 要耍 经轻 红江 纪记 "
    "约的 级极 纳钠 组祖 细纽 结洁 给绐 络洛 统绕 继维 续读 绩债 绿缘 编偏 话活 说锐 论沦 "
    "该核 诉诈 评坪 步歩 走足 起赴 赶起 超趄 路格 距拒 身射 车东 转轻 轮伦 较校 辆俩 进迸 "
    "近逅 还这 这过 连莲 迟退 适话 通逋 造浩 道遒 里黑 重童 量童 野理 钱线 钟种 铁跌 铺捕 "
    "销消 镇慎 长农 门们 阳阴 阴阳 附付 际标 陈陣 院阮 险检 难准 集隼 青音 章童 心必 必心 "
    "忘志 志忐 思恩 恩思 总思 想相 意竟 感咸 惠患 愿原 慢漫 懂董 我找 成戍 战站 户尸 所听 "
    "手毛 才寸 打扎 白自 自目 目且 的约 皮波 盘盆 益盖 盛盒 相杻 看着 着看 省眷 矛予 知和 "
    "和知 石右 右石 左在 在左 有冇 朋明 明朋"
)


def _others(groups: str) -> dict[str, str]:
    """Character → the others of its groups, in the order written."""
    found: dict[str, str] = {}
    for group in groups.split():
        for char in group:
            known = found.get(char, "")
            found[char] = known + "".join(other for other in group if other != char and other not in known)
    return found


HOMOPHONES = _others(_SAME_SOUND)
LOOKALIKES = _others(_SAME_LOOK)
