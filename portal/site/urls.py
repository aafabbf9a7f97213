"""Every address of 宽息: pages by string, so that nothing imports the roof."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("portal.site.pages.urls")),
    path("", include("loans.urls")),
    path("", include("relief.urls")),
    path("admin/", admin.site.urls),
]
handler404 = "portal.site.pages.errors.page_not_found"
handler403 = "portal.site.pages.errors.permission_denied"
handler400 = "portal.site.pages.errors.bad_request"
handler500 = "portal.site.pages.errors.server_error"
