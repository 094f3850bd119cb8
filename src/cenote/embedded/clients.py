"""
boto3 clients that are answered in this process, through the event that botocore emits before it sends.

They are botocore's own in everything else: they check, sign, parse and raise as they do against AWS.  Nothing
of the user's own AWS configuration reaches them: no variable, no profile, no file, no model of another API.
"""

import io
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from cenote.embedded.exchange import Answer
from cenote.errors import CenoteError

SERVICE = "cognito-idp"
# Nobody can be asked under this name (RFC 6761): should a request ever be sent, it would reach nobody.
ENDPOINT_URL = "http://cenote.invalid"
_BEFORE_SEND = "before-send.cognito-identity-provider"
_creating = threading.Lock()  # clients may be used by many threads, and are made by one at a time

Exchange = Callable[[str, str, Mapping[str, str], bytes], Answer]


class _Body(io.BytesIO):
    """An answer's body, read as botocore reads one from a socket."""

    def stream(self, **_sizes: Any) -> Iterator[bytes]:
        yield self.read()


def new_client(exchange: Exchange, service_name: str, choices: Mapping[str, Any]) -> Any:
    """A client whose requests go to `exchange`; `choices` are named arguments of `boto3.client`."""
    if service_name != SERVICE:
        raise CenoteError(f"Cenote answers {SERVICE}, and no other service such as {service_name}.")
    with _creating:
        client = _session().client(SERVICE, **choices)
    client.meta.events.register_first(_BEFORE_SEND, _answering(exchange))
    return client


def _answering(exchange: Exchange) -> Callable[..., Any]:
    """The handler of the event: whatever it returns is the answer, and nothing is sent."""
    from botocore.awsrequest import AWSResponse

    def answer(request: Any, **_event: Any) -> Any:
        headers = {name: _text(value) for name, value in request.headers.items()}
        given = exchange(request.method, request.url, headers, request.body or b"")
        return AWSResponse(request.url, given.status, dict(given.headers), _Body(given.body))

    return answer


def _text(value: str | bytes) -> str:
    """A header as WSGI has it: its bytes as Latin-1."""
    return value.decode("latin-1") if isinstance(value, bytes) else value


@cache
def _session() -> Any:
    """One session for all clients of this process: reading the models anew costs 40 ms."""
    try:
        import boto3
        from botocore.loaders import Loader
        from botocore.session import Session
    except ModuleNotFoundError as missing:
        raise CenoteError(
            "A client needs boto3, which is not installed: pip install 'cenote[testing]'."
        ) from missing
    variables = {
        name: (None, None, default, conversion)
        for name, (_in_file, _variable, default, conversion) in Session.SESSION_VARIABLES.items()
    }
    nowhere = (None, None, os.devnull, None)
    session = Session(session_vars=variables | dict.fromkeys(("config_file", "credentials_file"), nowhere))
    models = Loader(extra_search_paths=[Loader.BUILTIN_DATA_PATH], include_default_search_paths=False)
    session.register_component("data_loader", models)
    return boto3.Session(botocore_session=session)
