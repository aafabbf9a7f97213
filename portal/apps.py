"""App configuration of portal: the house: users, clock, calendar, notices."""

from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "portal"
    verbose_name = "宽息"
    default_auto_field = "django.db.models.BigAutoField"
