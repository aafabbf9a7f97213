"""Addresses of the demo's pages; they join the namespace `portal` and are 404 unless DEMO."""

from __future__ import annotations

from django.urls import path

from portal.site.demo import views

urlpatterns = [
    path("", views.console, name="demo"),
    path("login/", views.log_in, name="demo-login"),
    path("clock/", views.move_clock, name="demo-clock"),
    path("phone/", views.show_phone, name="demo-phone"),
    path("tasks/", views.show_tasks, name="demo-tasks"),
    path("sample-loan/", views.sample_loan, name="demo-sample-loan"),
    path("reset/", views.reset, name="demo-reset"),
]
