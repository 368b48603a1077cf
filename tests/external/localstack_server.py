"""LocalStack on a free port of loopback, without containers: prints the port once it is ready, and ends when standard input
does, so that it never outlives its test.

    target/tools/localstack/bin/python tests/external/localstack_server.py FOLDER
"""

import os
import socket
import sys
import threading
import time
import urllib.request

with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    port = probe.getsockname()[1]
folder = os.path.abspath(sys.argv[1])
os.makedirs(folder, exist_ok=True)
os.environ.update(
    GATEWAY_LISTEN=f"127.0.0.1:{port}",
    FILESYSTEM_ROOT=folder,
    LOCALSTACK_VOLUME_DIR=folder,
    DNS_ADDRESS="0",
    DISABLE_EVENTS="1",
    SKIP_SSL_CERT_DOWNLOAD="1",
    EAGER_SERVICE_LOADING="0",
    LS_LOG="error",
)


def end_with_input() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


def tell_when_ready() -> None:
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/_localstack/health", timeout=2).read()
            break
        except OSError:
            time.sleep(0.1)
    told.write(f"{port}\n")
    told.flush()


# What it prints itself goes to standard error.
told = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
threading.Thread(target=end_with_input, daemon=True).start()
threading.Thread(target=tell_when_ready, daemon=True).start()

from localstack.runtime.main import main  # noqa: E402

main()
