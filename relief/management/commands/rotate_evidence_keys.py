"""manage.py rotate_evidence_keys: put every file under the first of EVIDENCE_KEYS."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portal.core.storage import private
from relief.evidence.rotation import Rotation, rotate_keys


class Command(BaseCommand):
    help = "Rewrap the keys of all private files with the first of EVIDENCE_KEYS; may be run again."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            rotation = rotate_keys(self._tell)
        except OSError as refused:
            raise CommandError(
                f"EVIDENCE_STORAGE: {private.where} 现在不能读写（{refused}）；已换好的不受影响，恢复后请再运行一次"
            ) from refused
        if rotation.unreadable:
            raise CommandError(
                f"有 {rotation.unreadable} 个文件用现有密钥打不开或已损坏（编号见日志），旧密钥请保留"
            )
        if rotation.unnamed:
            raise CommandError(
                f"还有 {rotation.unnamed} 个文件正在上传或已作废（作废的一天后自动删除），旧密钥请保留，稍后再运行一次"
            )
        self.stdout.write(
            f"共 {rotation.files} 个文件，本次更换 {rotation.rewrapped} 个，全部已使用第一个密钥；旧密钥可以去掉了"
        )

    def _tell(self, rotation: Rotation) -> None:
        self.stdout.write(f"已检查 {rotation.files} 个文件，更换 {rotation.rewrapped} 个")
