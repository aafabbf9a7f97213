"""App configuration of relief: the conversation: cases, offers, agreements."""

from django.apps import AppConfig


class ReliefConfig(AppConfig):
    name = "relief"
    verbose_name = "罚息减免"
    default_auto_field = "django.db.models.BigAutoField"
