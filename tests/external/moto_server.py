"""Moto on a free port of loopback: prints the port, and ends when standard input does, so that it never outlives its test.

    target/tools/moto/bin/python tests/external/moto_server.py
"""

import logging
import os
import sys
import threading

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

logging.getLogger("werkzeug").setLevel(logging.ERROR)
application = DomainDispatcherApplication(create_backend_app)
server = make_server("127.0.0.1", 0, application, threaded=True)
os.environ["MOTO_PORT"] = str(server.port)
print(server.port, flush=True)


def end_with_input() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


threading.Thread(target=end_with_input, daemon=True).start()
server.serve_forever()
