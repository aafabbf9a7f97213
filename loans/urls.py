"""Addresses of loans."""

from __future__ import annotations

from django.urls import path

from loans.pages import detail, home, penalty, repay, settled, statement
from loans.presenters.exports import Format

CSV, XLSX = {"kind": Format.CSV}, {"kind": Format.XLSX}

app_name = "loans"
urlpatterns = [
    path("jiebei/", home.home, name="home"),
    path("jiebei/<slug:loan>/", detail.detail, name="detail"),
    path("jiebei/<slug:loan>/due-dates.ics", detail.due_dates, name="calendar"),
    path("jiebei/<slug:loan>/statement/", statement.statement, name="statement"),
    path("jiebei/<slug:loan>/statement.csv", statement.statement_table, CSV, name="statement-csv"),
    path(
        "jiebei/<slug:loan>/statement.xlsx", statement.statement_table, XLSX, name="statement-xlsx"
    ),
    path("jiebei/<slug:loan>/statement.pdf", statement.statement_pdf, name="statement-pdf"),
    path("jiebei/<slug:loan>/penalty/", penalty.penalty, name="penalty"),
    path("jiebei/<slug:loan>/penalty.csv", penalty.penalty_table, CSV, name="penalty-csv"),
    path("jiebei/<slug:loan>/penalty.xlsx", penalty.penalty_table, XLSX, name="penalty-xlsx"),
    path("jiebei/<slug:loan>/penalty.pdf", penalty.penalty_pdf, name="penalty-pdf"),
    path("jiebei/<slug:loan>/repay/", repay.repay, name="repay"),
    path("jiebei/<slug:loan>/repay/<slug:payment>/", repay.result, name="repay-result"),
    path("jiebei/<slug:loan>/settled/", settled.settled, name="settled"),
    path("jiebei/<slug:loan>/settled.pdf", settled.certificate, name="certificate-pdf"),
]
