"""What is sent arrives, whatever the page does meanwhile."""

from __future__ import annotations

import pytest

from tests import factories
from tests.heard.conftest import OpenWindow

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db]


def test_a_form_goes_though_its_button_was_replaced_while_it_was_asked_for(
    window_of: OpenWindow,
) -> None:
    """As a live preview brings the builder's buttons anew; here it is the button of the logout."""
    window = window_of(factories.borrower())
    window.go("/me/settings/")

    window.page.locator("main form[action='/logout/'] button").evaluate(
        "button => { button.click(); button.replaceWith(button.cloneNode(true)); }"
    )
    window.settle()

    assert ("POST", "/logout/") in [answer[:2] for answer in window.answers]
    assert "_auth_user_id" not in window.client.session
