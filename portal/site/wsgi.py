"""The WSGI entry for gunicorn; refuses to start where demo and real life are mixed."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.site.settings")
application = get_wsgi_application()

from django.db import connections  # noqa: E402 - its connections need Django set up first

from portal.site.checks import refuse_mixed_start  # noqa: E402 - its models need Django set up first

refuse_mixed_start()
connections.close_all()  # a forked worker opens its own
