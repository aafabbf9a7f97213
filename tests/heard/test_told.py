"""What each step of a borrower's way says to whoever only hears it: Chromium's accessibility tree.

From the login over the debt, the application and the offer to plan, repayment, messages and appeal.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from relief.cases.models import Case
from relief.cases.workflow import State
from tests import factories
from tests.heard.conftest import OpenWindow
from tests.heard.ears import Ears
from tests.heard.window import Window

pytestmark = [
    *(pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db, pytest.mark.timeout(900)),
]
HANDLED = {"link", "button", "textbox", "checkbox", "radio", "combobox", "spinbutton"}


@dataclass(frozen=True)
class Step:
    """A page as it is heard: its title, its headings, and what can be done (role and beginning of the name)."""

    path: str
    title: str
    headings: tuple[str, ...]
    can: tuple[str, ...]


LOGIN = Step(
    "/login/?by=code",
    "验证码登录",
    ("欢迎来到宽息",),
    ("link 密码登录", "textbox 手机号", "textbox 短信验证码", "button 获取验证码", "button 登录"),
)
BEFORE = (
    Step("/me/", "我的", ("我的",), ("link 去处理", "link 借呗 已逾期", "link 减免申请 草稿")),
    Step(
        "/jiebei/",
        "借呗",
        ("借呗", "本期应还", "我的借款"),
        ("link 去还款", "link 查看罚息 ¥43.20", "link 继续申请"),
    ),
    Step(
        "/jiebei/{loan}/penalty/",
        "查看罚息 · 借款 {loan_number}",
        (
            *("查看罚息", "第 1 期", "第 2 期", "第 3 期", "合计怎么来的"),
            *("早还一天，少付一天", "罚息怎么涨的", "计收规则"),
        ),
        ("link 再过 7 天", "button 算一算", "link 继续申请", "table 罚息逐日变化"),
    ),
    Step(
        "/service/",
        "联系客服",
        ("联系客服 小宽为你服务 · 人工 9:00–18:00",),
        ("log 对话记录", "textbox 消息", "button 发送", "button 转人工", "button 添加图片或文件"),
    ),
    Step(
        "/service/apply/{loan}/reason/",
        "申请罚息减免 · 第 1 步",
        ("申请罚息减免", "申请哪笔借款"),
        ("list 申请步骤，第 1 步，共 5 步", "checkbox 疾病住院", "button 存草稿", "button 下一步"),
    ),
    Step(
        "/service/apply/{loan}/evidence/",
        "申请罚息减免 · 第 3 步",
        ("申请罚息减免", "上传证明材料", "文件列表"),
        ("combobox 材料类型", "button 拍照", "button 文件", "button 删除 收入证明.pdf"),
    ),
    Step(
        "/service/apply/{loan}/confirm/",
        "申请罚息减免 · 第 5 步",
        ("申请罚息减免", "请核对申请内容"),
        ("link 修改情况说明", "checkbox 我承诺以上内容真实", "button 确认提交"),
    ),
)
ASKED = (
    Step(
        "/relief/{case}/",
        "待补充材料 · 申请进度 {number}",
        (
            *("申请进度", "待补充材料", "审核计时", "请补充材料", "办理记录"),
            *("证明材料", "谁看过我的材料"),
        ),
        ("list 办理进度，第 2 步，共 5 步", "link 去上传", "link 撤回申请", "link 消息 3 条未读"),
    ),
    Step(
        "/relief/{case}/evidence/",
        "补充材料",
        ("补充材料", "需要补充的材料", "文件列表"),
        ("combobox 材料类型", "button 重新提交", "link 问客服"),
    ),
)
OFFERED = (
    Step(
        "/relief/{case}/offers/1/",
        "待你确认 · 协商方案 {offer_number}",
        (
            *("协商方案", "当前与方案对比", "方案条件", "方案还款计划", "费用明示"),
            "如果违约，会恢复多少减免",
        ),
        ("link 不接受", "link 接受方案", "table 方案还款计划，单位：元"),
    ),
    Step(
        "/relief/{case}/offers/1/reject/",
        "提出还款建议",
        ("提出还款建议",),
        (
            *("textbox 希望减免的罚息", "textbox 每月可还金额", "textbox 或者选期数"),
            *("group 不接受的主要原因", "button 试算", "button 提交建议", "link 返回方案"),
        ),
    ),
    Step(
        "/relief/{case}/offers/1/accept/",
        "确认接受方案",
        ("确认接受方案",),
        (
            *("checkbox 我已阅读并同意", "checkbox 我知道", "textbox 短信验证码"),
            *("button 获取验证码", "button 改用登录密码确认", "button 确认接受"),
        ),
    ),
)
AGREED = (
    Step(
        "/relief/{case}/agreement/",
        "协商协议",
        (
            *("罚息减免与还款变更协议", "一、欠款", "二、减免", "三、新还款计划"),
            *("四、违约与恢复", "五、其他", "签署与核验"),
        ),
        ("link 跳到正文", "link 下载 PDF", "button 打印", "link 查看新还款计划"),
    ),
    Step(
        "/relief/{case}/plan/",
        "按新计划还款中 · 新还款计划 {agreement_number}",
        ("还款计划", "计划状态", "新还款计划", "这笔数怎么来", "原计划"),
        ("progressbar 已还 0 期，共 12 期", "link 提前还款", "link 加入日历", "link 协议"),
    ),
    Step(
        "/jiebei/{loan}/repay/",
        "还款 · 借款 {loan_number}",
        ("还款", "这笔钱会还到哪里", "付款方式"),
        ("navigation 还款范围", "link 还下一期", "link 自定义金额", "link 提前结清"),
    ),
    Step(
        "/me/notices/",
        "消息",
        ("消息",),
        ("link 协商协议已生效", "button 全部已读", "navigation 消息分类", "link 消息 5 条未读"),
    ),
)
REJECTED = (
    Step(
        "/relief/{case}/",
        "未通过 · 申请进度 {number}",
        (
            *("申请进度", "未通过", "审核未通过：材料不足", "办理记录", "证明材料"),
            "谁看过我的材料",
        ),
        ("link 申诉", "link 重新申请"),
    ),
    Step(
        "/relief/{case}/appeal/",
        "申诉 {number}",
        ("申诉",),
        ("textbox 申诉理由", "button 提交申诉"),
    ),
)


def hear(window: Window, step: Step, case: Case | None = None) -> None:
    """Open the step's page and hold what is heard there to what should be."""
    words = words_of(case) if case else {}
    window.go(step.path.format(**words))
    heard = Ears(window).heard()

    assert window.page.title() == f"{step.title.format(**words)} · 宽息"
    names = [name for role, name in heard if role == "heading"]
    assert sorted(names) == sorted(step.headings)
    told = [f"{role} {name}" for role, name in heard]
    assert [one for one in step.can if not any(here.startswith(one) for here in told)] == []
    assert [role for role, name in heard if role in HANDLED and not name.strip()] == []
    assert [role for role, _ in heard].count("main") == 1


def words_of(case: Case) -> dict[str, str]:
    words = {"loan": case.loan.public_id, "loan_number": case.loan.number}
    words |= {"case": case.public_id, "number": case.number}
    words |= {"offer_number": f"FA{case.number.removeprefix('JM')}-1"}
    return words | {"agreement_number": f"XY{case.number.removeprefix('JM')}-1"}


def test_the_way_to_an_application(window_of: OpenWindow, frozen: object) -> None:
    hear(window_of(None), LOGIN)
    case = factories.draft_case()
    window = window_of(case.borrower)
    for step in BEFORE:
        hear(window, step, case)

    for act in factories.PATHS[State.NEED_MORE]:
        act(case, factories.NOW)
        case.refresh_from_db()
    for step in ASKED:
        hear(window, step, case)


def test_the_way_from_an_offer_to_a_plan(window_of: OpenWindow, frozen: object) -> None:
    case = factories.case_at(State.OFFERED)
    window = window_of(case.borrower)
    for step in OFFERED:
        hear(window, step, case)

    factories.accept(case, now=factories.NOW)
    for step in AGREED:
        hear(window, step, case)


def test_a_rejection_and_its_appeal(window_of: OpenWindow, frozen: object) -> None:
    case = factories.case_at(State.REJECTED)
    window = window_of(case.borrower)
    for step in REJECTED:
        hear(window, step, case)
