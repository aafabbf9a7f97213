"""Addresses of relief."""

from __future__ import annotations

from django.urls import URLPattern

app_name = "relief"
urlpatterns: list[URLPattern] = []
