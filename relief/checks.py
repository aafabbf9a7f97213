"""System checks of relief: every act has its notices, every notice its templates."""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage, Error, register
from django.template import TemplateDoesNotExist
from django.template.loader import get_template

from portal.core.notifications.texts import template_name
from relief.cases.notices import RULES, AuditEvent
from relief.cases.workflow import Action


@register()
def check_notices(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """One error for each act without a rule, and each template that is missing."""
    problems: list[CheckMessage] = [
        Error(f"{event} has no entry in relief.cases.notices.RULES", id="relief.E001")
        for event in (*Action, *AuditEvent)
        if event not in RULES
    ]
    for name in sorted(template_names()):
        try:
            get_template(name)
        except TemplateDoesNotExist:
            problems.append(Error(f"{name} is missing", id="relief.E002"))
    return problems


def template_names() -> set[str]:
    """The templates that the rules need: in-app always, the channels' beside."""
    return {
        template_name(rule.event, channel)
        for rules in RULES.values()
        for rule in rules
        for channel in ("in_app", *rule.channels)
    }
