"""The WSGI entry for gunicorn; refuses a start that portal/site/checks.py finds wrong."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.site.settings")
application = get_wsgi_application()

from django.db import connections  # noqa: E402 - its connections need Django set up first

from portal.site.checks import refuse_wrong_start  # noqa: E402 - its models need Django set up first

refuse_wrong_start()
connections.close_all()  # a forked worker opens its own
