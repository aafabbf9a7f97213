"""An S3 over real HTTP (moto's server): in a thread for tests, as a process for the fault rig.

`python -m tests.objectstore PORT BUCKET` says `ready` and serves until it is ended; SIGUSR1 takes it off the net,
SIGUSR2 puts it back with all that it held.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress

import boto3
from moto.server import ThreadedMotoServer

KEY_ID, SECRET = "test-key-id", "test-secret-of-an-object-store"


class ObjectStore:
    """One bucket on a port of this machine."""

    def __init__(self, bucket: str = "kuanxi-test", port: int = 0) -> None:
        for name in ("http_proxy", "HTTP_PROXY"):
            os.environ.pop(name, None)
        self.bucket, self.port = bucket, port
        self.go_up()
        client = boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=KEY_ID,
            aws_secret_access_key=SECRET,
            region_name="us-east-1",
        )
        client.create_bucket(Bucket=bucket)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def options(self) -> dict[str, str]:
        """What the settings make of the environment below."""
        return {
            "bucket": self.bucket,
            "prefix": "evidence",
            "endpoint": self.endpoint,
            "region": "us-east-1",
            "addressing": "auto",
            "key_id": KEY_ID,
            "secret": SECRET,
        }

    @property
    def environment(self) -> dict[str, str]:
        return {
            "EVIDENCE_STORAGE": f"s3://{self.bucket}/evidence",
            "S3_ENDPOINT": self.endpoint,
            "S3_KEY_ID": KEY_ID,
            "S3_SECRET": SECRET,
        }

    def go_up(self) -> None:
        self.server = ThreadedMotoServer("127.0.0.1", self.port, verbose=False)
        self.server.start()
        self.port = int(self.server.get_host_and_port()[1])

    def go_down(self) -> None:
        """Nobody listens; what was kept stays."""
        self.server.stop()


def main() -> None:
    store = ObjectStore(sys.argv[2], int(sys.argv[1]))
    signal.signal(signal.SIGUSR1, lambda *_: store.go_down())
    signal.signal(signal.SIGUSR2, lambda *_: store.go_up())
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    with suppress(KeyboardInterrupt):
        while True:
            signal.pause()


if __name__ == "__main__":
    main()
