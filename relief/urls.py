"""Addresses of relief."""

from __future__ import annotations

from django.urls import path

from relief.pages import agreement, apply, cases, counter, evidence, offers, plan, service

app_name = "relief"

talking = [
    path("service/", service.conversation, name="service"),
    path("service/send/", service.send, name="service-send"),
    path("service/since/<int:message>/", service.since, name="service-since"),
    path("service/apply/<slug:loan>/", apply.start, name="apply"),
    path("service/apply/<slug:loan>/estimate/", apply.estimate, name="apply-estimate"),
    path("service/apply/<slug:loan>/<slug:step>/", apply.step, name="apply-step"),
    path("relief/files/<slug:file>/", evidence.show, name="evidence-file"),
    path("relief/files/<slug:file>/state/", evidence.state, name="evidence-state"),
    path("relief/files/<slug:file>/remove/", evidence.remove, name="evidence-remove"),
    path("relief/<slug:case>/receipt/", apply.receipt, name="receipt"),
    path("relief/<slug:case>/evidence/", evidence.supply, name="supply"),
    path("relief/<slug:case>/evidence/add/", evidence.add, name="evidence-add"),
]
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
    path("relief/<slug:case>/offers/<int:number>/draft/", agreement.draft, name="offer-draft"),
    path("relief/<slug:case>/agreement/", agreement.agreement, name="agreement"),
    path("relief/<slug:case>/agreement.pdf", agreement.pdf, name="agreement-pdf"),
    path("relief/<slug:case>/plan/", plan.plan, name="plan"),
]

urlpatterns = [*talking, *negotiating]
