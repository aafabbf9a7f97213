"""App configuration of portal: the house: users, clock, calendar, notices."""

from __future__ import annotations

from django.apps import AppConfig
from django.conf import settings
from django.contrib.admin import apps as admin_apps
from django.db.models.signals import post_migrate, pre_migrate
from django.utils.module_loading import import_string


class DeskConfig(admin_apps.AdminConfig):
    """Django's admin with our own site: throttled login, board, grouped navigation."""

    default = False
    default_site = "portal.site.desk.DeskSite"


class PortalConfig(AppConfig):
    default = True
    name = "portal"
    verbose_name = "宽息"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Celery is every thread's default app, tasks freeze the clock, checks and triggers are there."""
        # By name: the ground imports nothing of the roof, and models exist only from here on.
        # set_default: Celery's "current app" is per thread, and web threads would get amqp's.
        import_string("portal.site.celery.app").set_default()
        import_string("portal.tasks.connect_clock")()
        import_string("portal.site.checks.add_checks")()
        pre_migrate.connect(import_string("portal.core.trail.row_triggers.make_way"), sender=self)
        post_migrate.connect(import_string("portal.core.trail.row_triggers.keep_rows"), sender=self)
        if settings.CRASH_POINTS is not None:  # the fault rig's demo only
            import_string("portal.site.crash_points.install")()
