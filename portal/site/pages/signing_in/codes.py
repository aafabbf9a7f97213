"""获取验证码 for logging in, registering and a forgotten password: one act, three forms."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import NON_FIELD_ERRORS
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from portal.core import clock
from portal.core.accounts.codes import send_code
from portal.core.web import visitor
from portal.core.web.htmx import render_part, wants_part
from portal.site.pages import visit
from portal.site.pages.signing_in import login
from portal.site.pages.signing_in.forms import CodeLoginForm, RegisterForm, ResetForm, SendCodeForm

FORMS: dict[str, type[Form]] = {
    "login": CodeLoginForm,
    "register": RegisterForm,
    "reset": ResetForm,
}
PAGES = {
    "login": "registration/login.html",
    "register": "registration/register.html",
    "reset": "registration/reset.html",
}


@login_not_required
@never_cache
@sensitive_post_parameters("password", "code")
@require_http_methods(["GET", "HEAD", "POST"])
def send(request: HttpRequest, purpose: str) -> HttpResponse:
    """POST sends a code and gives the form back as it was; GET is the button, for HTMX only."""
    if request.method != "POST":
        return _button(request, purpose)
    form = FORMS[purpose](request.POST)
    phone_form = SendCodeForm(request.POST)
    if phone_form.is_valid():
        _send(request, purpose, phone_form)
    _keep_only(form, phone_form)
    if visit.signs_in_over_page(request):
        form.auto_id = visit.OVER_PAGE_ID
    context = {
        "form": form,
        "purpose": purpose,
        "next": visit.wanted_page(request),
        "by": "code",
        **visit.code_state(request, purpose),
        **login.demo_context(purpose),
    }
    part = "registration/_code_block.html"
    status = 422 if form.errors else 200
    return render_part(request, page=PAGES[purpose], part=part, context=context, status=status)


def _keep_only(form: Form, phone_form: SendCodeForm) -> None:
    """Only the phone is judged: the rest of the form is not yet finished."""
    for name in list(form.errors):
        del form.errors[name]
    for name, problems in phone_form.errors.get_json_data().items():
        for problem in problems:
            form.add_error(None if name == NON_FIELD_ERRORS else name, problem["message"])


def _send(request: HttpRequest, purpose: str, phone_form: SendCodeForm) -> None:
    """Send the code, or write into the form why not."""
    phone = phone_form.cleaned_data["phone"]
    try:
        send_code(
            phone=phone,
            purpose=purpose,
            session_key=visitor.session_key(request),
            ip=visitor.address(request),
            known_here=visitor.known_here(request),
            now=clock.now(),
        )
    except visitor.REFUSALS as problem:
        visitor.refuse(phone_form, problem)
    else:
        visit.remember_code(request, purpose, phone)


def _button(request: HttpRequest, purpose: str) -> HttpResponse:
    """The button again after its minute; without HTMX the page that it stands on."""
    if not wants_part(request):
        return redirect(f"portal:{purpose}")
    part = "registration/_code_button.html"
    context = {"purpose": purpose, **visit.code_state(request, purpose)}
    return render_part(request, page=part, part=part, context=context)
