"""What no password may contain: the words of this house, and what everybody knows of its owner."""

from __future__ import annotations

from django.core.exceptions import ValidationError

from portal.core.models import User

# Documented list of context-specific words (OWASP ASVS 6.1.2): who guesses tries these first.
HOUSE_WORDS = ("宽息", "kuanxi", "借呗", "jiebei", "罚息", "减免", "password", "密码", "admin")
SHORTEST = 4  # characters of a name or phone number that make a password easy to guess


class HouseWordsValidator:
    """Refuses a password with a word of the house, or with its owner's phone, name or login name.

    Raises ValidationError with code "password_house_word" or "password_personal".
    """

    def validate(self, password: str, user: User | None = None) -> None:
        typed = password.casefold()
        if any(word in typed for word in HOUSE_WORDS):
            raise ValidationError("", code="password_house_word")
        if user is None:
            return
        phone = user.phone or ""
        personal = {user.name, user.username, phone, phone[3:]}
        if any(len(fact) >= SHORTEST and fact.casefold() in typed for fact in personal):
            raise ValidationError("", code="password_personal")

    def get_help_text(self) -> str:
        return "密码里不要有宽息、借呗这样的词，也不要有自己的姓名或手机号"
