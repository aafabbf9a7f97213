"""Private bytes in a bucket of a service that speaks S3, by django-storages (extra `s3`)."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, cast

from boto3.exceptions import Boto3Error  # type: ignore[import-untyped]  # boto3 has no types # mypy asks for stubs by name
from boto3.s3.transfer import TransferConfig  # type: ignore[import-untyped]  # boto3 has no types
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from storages.backends.s3 import S3Storage

from portal.core.storage.store import StoredName, StoreDown, StoreRefuses

IN_MEMORY = 8 * 1024 * 1024  # bytes of one (sealed) file; above it, a temporary file
NAME = re.compile(r"[^/]{2}/[^/]+")
# A request waits 2 s for a connection and 10 s for an answer, and is tried twice.
PATIENCE = Config(
    connect_timeout=2,
    read_timeout=10,
    retries={"total_max_attempts": 2, "mode": "standard"},
    request_checksum_calculation="when_required",  # other services than Amazon's know no other
    response_checksum_validation="when_required",
)
# One PUT a file, so that it is there whole or not at all, and no threads of the library's own.
WHOLE = TransferConfig(multipart_threshold=1024**3, use_threads=False)


class Bucket:
    """One bucket, all names under one prefix; every failure is an OSError."""

    def __init__(
        self,
        *,
        bucket: str,
        prefix: str,
        endpoint: str,
        region: str,
        addressing: str,
        key_id: str,
        secret: str,
    ) -> None:
        self.bucket, self.prefix, self.label = bucket, prefix, f"s3://{bucket}/{prefix}"
        self.files = S3Storage(
            bucket_name=bucket,
            location=prefix,
            endpoint_url=endpoint or None,
            region_name=region,
            access_key=key_id,
            secret_key=secret,
            default_acl=None,
            file_overwrite=True,
            max_memory_size=IN_MEMORY,
            client_config=PATIENCE.merge(Config(s3={"addressing_style": addressing})),
            transfer_config=WHOLE,
        )

    def write(self, name: str, pieces: Iterator[bytes]) -> None:
        with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as whole:
            for piece in pieces:
                whole.write(piece)
            with _as_os_errors():
                self.files.save(name, whole)

    def head(self, name: str, length: int) -> bytes:
        with _as_os_errors():
            answer = self.files.connection.meta.client.get_object(
                Bucket=self.bucket, Key=self._full(name), Range=f"bytes=0-{length - 1}"
            )
            return cast(bytes, answer["Body"].read())

    def read(self, name: str) -> BinaryIO:
        with _as_os_errors():
            file = self.files.open(name)
            file.seek(0)  # the bytes are fetched here, where a failure is told
        return cast(BinaryIO, file.file)

    def exists(self, name: str) -> bool:
        with _as_os_errors():
            return bool(self.files.exists(name))

    def delete(self, name: str) -> None:
        with _as_os_errors():
            self.files.delete(name)

    def listed(self) -> Iterator[StoredName]:
        start = self._full("")
        with _as_os_errors():
            pages = self.files.connection.meta.client.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self.bucket, Prefix=start):
                for item in page.get("Contents", ()):
                    name = item["Key"].removeprefix(start)
                    if NAME.fullmatch(name):
                        yield StoredName(name, item["LastModified"])

    def _full(self, name: str) -> str:
        return f"{self.prefix}/{name}" if self.prefix else name


@contextmanager
def _as_os_errors() -> Iterator[None]:
    """Whatever the library says, in the three words that the product knows."""
    try:
        yield
    except ClientError as answer:
        status = _status(answer)
        if status == 404 and answer.response.get("Error", {}).get("Code") != "NoSuchBucket":
            raise FileNotFoundError(str(answer)) from answer
        raise (StoreRefuses if 400 <= status < 500 else StoreDown)(str(answer)) from answer
    except (BotoCoreError, Boto3Error) as silence:
        raise StoreDown(str(silence)) from silence


def _status(answer: Any) -> int:
    return int(answer.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500))
