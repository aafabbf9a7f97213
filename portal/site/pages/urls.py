"""Addresses of the pages that show something of everything."""

from __future__ import annotations

from django.urls import include, path

from portal.core.web.access import borrower_only
from portal.site.pages import (
    callbacks,
    health,
    info,
    me,
    metrics,
    notices,
    offline,
    rights,
    settings,
    verify,
)
from portal.site.pages.signing_in import codes, login, passkeys, passwords, security

app_name = "portal"
urlpatterns = [
    path("", login.front, name="front"),
    path("login/", login.login, name="login"),
    path("login/again/", borrower_only(login.signed_in), name="login-again"),
    path("login/code/", codes.send, {"purpose": "login"}, name="login-code"),
    path("login/reset/", passwords.reset, name="reset"),
    path("login/reset/code/", codes.send, {"purpose": "reset"}, name="reset-code"),
    path("register/", login.register, name="register"),
    path("register/code/", codes.send, {"purpose": "register"}, name="register-code"),
    path("logout/", login.logout, name="logout"),
    path("me/", me.me, name="me"),
    path("me/badges/", me.badges, name="badges"),
    path("me/notices/", notices.notices, name="notices"),
    path("me/notices/read/", notices.read_all, name="notices-read"),
    path("me/notices/<slug:notice>/", notices.open_notice, name="notice"),
    path("me/settings/", settings.settings, name="settings"),
    path("me/settings/passkeys/", passkeys.passkeys_page, name="passkeys"),
    path("me/settings/passkeys/add/", passkeys.add, name="passkey-add"),
    path("me/settings/passkeys/<slug:passkey>/remove/", passkeys.remove, name="passkey-remove"),
    path("me/settings/password/", passwords.change, name="change-password"),
    path("me/settings/security/", security.security, name="security"),
    path("me/settings/security/end-all/", security.end_all, name="sessions-end"),
    path("me/settings/security/<slug:session>/end/", security.end_one, name="session-end"),
    path("me/settings/export/", rights.export, name="export"),
    path("me/settings/export/<slug:export>/", rights.export_file, name="export-file"),
    path("me/settings/erasure/", rights.erase, name="erasure"),
    path("me/settings/erasure/withdraw/", rights.keep, name="erasure-withdraw"),
    path("me/settings/looks/", settings.evidence_access, name="evidence-access"),
    path("me/settings/consents/<slug:kind>/", settings.consent, name="consent"),
    path("me/settings/consents/<slug:kind>/withdraw/", settings.withdraw, name="consent-withdraw"),
    path("kept/", info.kept, name="kept"),
    path("help/", info.help_page, name="help"),
    path("legal/<slug:slug>/", info.legal, name="legal"),
    path("offline/", offline.offline, name="offline"),
    path("worker.js", offline.worker, name="worker"),
    path("robots.txt", info.robots, name="robots"),
    path(".well-known/security.txt", info.security_txt, name="security-txt"),
    path(".well-known/change-password", info.change_password, name="change-password-well-known"),
    path("demo/", include("portal.site.demo.urls")),  # 404 unless DEMO
    path("verify/", verify.verify, name="verify"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
    path("callbacks/sms/", callbacks.sms_reports, name="sms-reports"),
]
