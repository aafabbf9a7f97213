"""Make the first two managers, who then make all other accounts of staff at the desk."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.core.accounts import staff
from portal.core.errors import RuleViolation
from portal.core.kernel.errors import InvalidInput


class Command(BaseCommand):
    help = "新建一位经理；已有两位在职经理时拒绝，之后由他们在管理后台办理。"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username", help="登录用户名，小写字母开头")
        parser.add_argument("name", help="姓名")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            user = staff.first_manager(username=options["username"], name=options["name"])
        except (RuleViolation, InvalidInput) as refusal:
            raise CommandError(refusal.message) from refusal
        self.stdout.write(
            f"已新建经理 {user.username}。请本人在 24 小时内到 /admin/setup/ 设置密码，设置码："
        )
        self.stdout.write(staff.setup_code(user))
