"""What the security trail can say of an account: one kind an event, with its words."""

from __future__ import annotations

from enum import StrEnum


class SecurityKind(StrEnum):
    """What happened to somebody's account."""

    REGISTERED = "REGISTERED"
    LOGIN = "LOGIN"
    LOGIN_FAILED = "LOGIN_FAILED"
    SIGNING_FAILED = "SIGNING_FAILED"
    LOGOUT = "LOGOUT"
    SESSION_ENDED = "SESSION_ENDED"
    PASSWORD_CHANGED = "PASSWORD_CHANGED"
    PASSWORD_RESET = "PASSWORD_RESET"
    PASSWORD_REFUSED = "PASSWORD_REFUSED"
    FACTOR_ENROLLED = "FACTOR_ENROLLED"
    FACTOR_CONFIRMED = "FACTOR_CONFIRMED"
    FACTOR_REFUSED = "FACTOR_REFUSED"
    RECOVERY_CODES_MADE = "RECOVERY_CODES_MADE"
    PASSKEY_ADDED = "PASSKEY_ADDED"
    PASSKEY_REMOVED = "PASSKEY_REMOVED"
    EXPORT_ASKED = "EXPORT_ASKED"
    EXPORT_DOWNLOADED = "EXPORT_DOWNLOADED"
    ERASURE_ASKED = "ERASURE_ASKED"
    ERASURE_WITHDRAWN = "ERASURE_WITHDRAWN"
    ERASURE_APPROVED = "ERASURE_APPROVED"
    ERASURE_REFUSED = "ERASURE_REFUSED"
    ERASED = "ERASED"
    STAFF_CREATE = "STAFF_CREATE"
    STAFF_RANK = "STAFF_RANK"
    STAFF_DISABLE = "STAFF_DISABLE"
    STAFF_ENABLE = "STAFF_ENABLE"
    STAFF_RESET_FACTOR = "STAFF_RESET_FACTOR"
    STAFF_RESET_PASSWORD = "STAFF_RESET_PASSWORD"
    TRAIL_PROVEN = "TRAIL_PROVEN"
    TRAIL_BROKEN = "TRAIL_BROKEN"


KIND_LABELS: dict[SecurityKind, str] = {
    SecurityKind.REGISTERED: "注册账户",
    SecurityKind.LOGIN: "登录",
    SecurityKind.LOGIN_FAILED: "登录失败",
    SecurityKind.SIGNING_FAILED: "确认方案时验证失败",
    SecurityKind.LOGOUT: "退出登录",
    SecurityKind.SESSION_ENDED: "登录被结束",
    SecurityKind.PASSWORD_CHANGED: "修改密码",
    SecurityKind.PASSWORD_RESET: "重置密码",
    SecurityKind.PASSWORD_REFUSED: "修改密码失败",
    SecurityKind.FACTOR_ENROLLED: "绑定验证器",
    SecurityKind.FACTOR_CONFIRMED: "再次确认身份",
    SecurityKind.FACTOR_REFUSED: "第二重验证失败",
    SecurityKind.RECOVERY_CODES_MADE: "生成恢复码",
    SecurityKind.PASSKEY_ADDED: "添加通行密钥",
    SecurityKind.PASSKEY_REMOVED: "移除通行密钥",
    SecurityKind.EXPORT_ASKED: "申请导出个人数据",
    SecurityKind.EXPORT_DOWNLOADED: "下载个人数据",
    SecurityKind.ERASURE_ASKED: "申请删除个人信息",
    SecurityKind.ERASURE_WITHDRAWN: "撤回删除申请",
    SecurityKind.ERASURE_APPROVED: "同意删除个人信息",
    SecurityKind.ERASURE_REFUSED: "不同意删除个人信息",
    SecurityKind.ERASED: "个人信息已删除",
    SecurityKind.STAFF_CREATE: "新建工作人员账户",
    SecurityKind.STAFF_RANK: "调整职级",
    SecurityKind.STAFF_DISABLE: "停用账户",
    SecurityKind.STAFF_ENABLE: "恢复账户",
    SecurityKind.STAFF_RESET_FACTOR: "重置双重验证",
    SecurityKind.STAFF_RESET_PASSWORD: "重置密码（由经理）",
    SecurityKind.TRAIL_PROVEN: "审计记录校验通过",
    SecurityKind.TRAIL_BROKEN: "审计记录校验不符",
}
