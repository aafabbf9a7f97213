"""Static files as they are served: one style sheet an audience, compressed, under hashed names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.core.files.base import ContentFile
from whitenoise.storage import CompressedManifestStaticFilesStorage

BUNDLES = ("css/site.css", "css/desk.css", "css/desk-over.css")
IMPORT = re.compile(r'^@import "([\w.-]+)";$', re.MULTILINE)


class BundlingStorage(CompressedManifestStaticFilesStorage):
    """Puts into each of BUNDLES, once collected, the sheets that it imports by lines of their own.

    The sources stay readable and are valid as they are: a browser that gets them unbundled (DEBUG=1)
    follows the imports itself.
    """

    def post_process(
        self, paths: dict[str, Any], *args: Any, **options: Any
    ) -> Iterator[tuple[str, str, bool | Exception]]:
        """As Django's, after the bundles are made in the collected folder."""
        for name in BUNDLES:
            self._bundle(name, paths)
        yield from super().post_process(paths, *args, **options)

    def _bundle(self, name: str, paths: dict[str, Any]) -> None:
        def sheet(imported: re.Match[str]) -> str:
            return self._source(f"css/{imported[1]}", paths)

        text = IMPORT.sub(sheet, self._source(name, paths))
        self.delete(name)
        self.save(name, ContentFile(text.encode()))
        paths[name] = (self, name)

    @staticmethod
    def _source(name: str, paths: dict[str, Any]) -> str:
        storage, path = paths[name]
        with storage.open(path) as source:
            return str(source.read().decode())
