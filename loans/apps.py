"""App configuration of loans: the books."""

from django.apps import AppConfig


class LoansConfig(AppConfig):
    name = "loans"
    verbose_name = "借款账务"
    default_auto_field = "django.db.models.BigAutoField"
