"""Addresses of relief."""

from __future__ import annotations

from django.urls import path

from relief.views import agreement, cases, counter, offers, plan

app_name = "relief"

# The conversation and the application: views service, apply, evidence.
# Names and arguments: service, service-send, service-since <message>; apply <loan>,
# apply-step <loan> <step>, apply-estimate <loan>; receipt <case>, supply <case>,
# evidence-add <case>, evidence-file <file>, evidence-state <file>, evidence-remove <file>.
talking: list = []

negotiating = [
    path("relief/", cases.cases, name="cases"),
    path("relief/<slug:case>/", cases.case, name="case"),
    path("relief/<slug:case>/withdraw/", cases.withdraw, name="withdraw"),
    path("relief/<slug:case>/appeal/", cases.appeal, name="appeal"),
    path("relief/<slug:case>/reopen/", cases.reopen, name="reopen"),
    path("relief/<slug:case>/offers/<int:number>/", offers.offer, name="offer"),
    path("relief/<slug:case>/offers/<int:number>/accept/", offers.accept, name="offer-accept"),
    path("relief/<slug:case>/offers/<int:number>/reject/", counter.reject, name="offer-reject"),
    path("relief/<slug:case>/offers/<int:number>/check/", counter.check, name="offer-check"),
    path("relief/<slug:case>/agreement/", agreement.agreement, name="agreement"),
    path("relief/<slug:case>/agreement.pdf", agreement.pdf, name="agreement-pdf"),
    path("relief/<slug:case>/plan/", plan.plan, name="plan"),
]

urlpatterns = [*talking, *negotiating]
