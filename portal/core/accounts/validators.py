"""What no password may contain: the words of this house, and what everybody knows of its owner."""

from __future__ import annotations

from collections.abc import Iterable

from django.core.exceptions import ValidationError

from portal.core.models import User

# Documented list of context-specific words (OWASP ASVS 6.1.2): who guesses tries these first.
HOUSE_WORDS = ("宽息", "kuanxi", "借呗", "jiebei", "罚息", "减免", "password", "密码", "admin")
REST = 8  # characters that a password needs beside them
SHORTEST = 4  # characters of a name or phone number that make a password easy to guess


class HouseWordsValidator:
    """Refuses a password that is little more than a word of the house or what is known of its owner.

    What is left without such words, the owner's name, login name and phone number has to be
    REST characters or more. Raises ValidationError with code "password_house_word" or
    "password_personal".
    """

    def validate(self, password: str, user: User | None = None) -> None:
        typed = password.casefold()
        if self._is_little_more(typed, HOUSE_WORDS):
            raise ValidationError("", code="password_house_word")
        if user is None:
            return
        phone = user.phone or ""
        personal = (phone, phone[3:], user.username.casefold(), user.name.casefold())
        if self._is_little_more(typed, [fact for fact in personal if len(fact) >= SHORTEST]):
            raise ValidationError("", code="password_personal")

    @staticmethod
    def _is_little_more(typed: str, words: Iterable[str]) -> bool:
        rest = typed
        for word in words:
            rest = rest.replace(word, "")
        return rest != typed and len(rest) < REST

    def get_help_text(self) -> str:
        return "除了宽息、借呗这样的词和自己的姓名、手机号，密码里还要有 8 个以上的字符"
