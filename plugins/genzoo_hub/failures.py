"""What a failure of the Hub's client means, in one line.

Its HTTP library is httpx in some versions and httpx2 in others, so that library's errors are
recognised by the names of their classes.
"""

from __future__ import annotations

import errno
import re
from dataclasses import dataclass
from typing import Any

from genzoo_core.downloads import public
from genzoo_core.errors import GenzooError, HubError

_NO_ANSWER = {"TimeoutException", "TimeoutError"}
_DROPPED = {"ReadError", "WriteError", "RemoteProtocolError", "CloseError"}
_UNREACHABLE = {"ConnectError", "ProxyError", "ConnectionError"}
_NO_ADDRESS = {"UnsupportedProtocol", "InvalidURL", "LocalProtocolError"}
_LOG_IN = "check the name; log in with `hf auth login`, or set HF_TOKEN"


@dataclass(frozen=True)
class About:
    """What a request to the Hub is about; "" where a field plays no part.

    Attributes:
        repo: "owner/repo"; "" for a search.
        writing: Whether something was to be changed there.
    """

    repo: str = ""
    revision: str = ""
    file: str = ""
    writing: bool = False

    def __str__(self) -> str:
        file = f"/{self.file}" if self.file else ""
        return f"hf://{self.repo}{file}" if self.repo else "the Hub"


def was_dropped(error: BaseException) -> bool:
    """Whether the connection broke off, so that asking once more may help."""
    return bool(_names(error) & _DROPPED)


def is_down(error: HubError) -> bool:
    """Whether the reason of an error is that no Hub answers: what is cached has to do then."""
    if (cause := error.__cause__) is None:
        return False
    status = getattr(getattr(cause, "response", None), "status_code", 0)
    return status >= 500 or bool(_names(cause) & (_NO_ANSWER | _DROPPED | _UNREACHABLE))


def explain(error: BaseException, about: About) -> GenzooError:
    """The error that a user sees."""
    names = _names(error)
    if isinstance(error, GenzooError):
        return error
    if "LocalEntryNotFoundError" in names and error.__cause__ is not None:
        return explain(error.__cause__, about)
    if (response := getattr(error, "response", None)) is not None:
        return _of_response(error, names, response, about)
    if names & (_NO_ANSWER | _DROPPED | _UNREACHABLE | _NO_ADDRESS):
        return _of_connection(error, names, about)
    if isinstance(error, OSError) and error.errno is not None:
        return _of_disk(error)
    return _of_rest(error, about)


def offline(about: About) -> HubError:
    """For what is not cached, where HF_HUB_OFFLINE says to make no request."""
    missing = f"{about} is not on this machine, and " if about.repo else ""
    return HubError(f"{missing}HF_HUB_OFFLINE says not to ask the Hub", "unset it to do so")


def no_hub(what: str) -> HubError:
    """For an answer that no Hub gives."""
    return HubError(f"{_endpoint()} is no Hugging Face Hub: it {what}", "check HF_ENDPOINT")


def _of_response(error: BaseException, names: set[str], response: Any, about: About) -> HubError:
    status, where = response.status_code, about.repo or "this"
    gone = status == 404
    no_repo = "RepositoryNotFoundError" in names or (gone and about.repo and not about.file)
    verb = "write to" if about.writing else "read"
    ask = f"ask for access at {_endpoint()}/{about.repo}, and log in with `hf auth login`"
    cases = (
        (status >= 500, f"the Hub at {_endpoint()} fails ({status})", "try again later"),
        (
            "GatedRepoError" in names,
            f"{where} is gated: its owner lets in who asks ({status})",
            ask,
        ),
        ("DisabledRepoError" in names, f"the Hub has disabled {where} ({status})", None),
        (
            status == 401 and about.writing,
            f"the Hub lets nobody write to {where} without a login (401)",
            "log in with `hf auth login`, or set HF_TOKEN",
        ),
        (status == 401, f"the Hub does not show {where} to everyone (401)", _LOG_IN),
        (status == 403, f"the Hub forbids you to {verb} {where} (403)", "use a token that may"),
        (status == 429, "the Hub had too many requests from here (429)", "wait some minutes"),
        (
            "RevisionNotFoundError" in names,
            f"{where} has no revision {about.revision!r} (404)",
            None,
        ),
        (no_repo, f"the Hub has no repository {where} (404)", _LOG_IN),
        (gone and about.file, f"{about.repo} has no file {about.file!r} (404)", None),
    )
    for applies, message, hint in cases:
        if applies:
            return HubError(message, hint)
    words = " ".join(str(getattr(error, "server_message", "") or response.reason_phrase).split())
    return HubError(f"the Hub at {_endpoint()} answers {status}: {public(words[:2000])[:200]}")


def _of_connection(error: BaseException, names: set[str], about: About) -> HubError:
    cached = "what is cached works with HF_HUB_OFFLINE=1"
    if "OfflineModeIsEnabled" in names:
        return offline(about)
    if names & _NO_ANSWER:
        longer = "HF_HUB_ETAG_TIMEOUT=60 waits longer"
        return HubError(f"the Hub at {_endpoint()} does not answer in time", f"{longer}; {cached}")
    if names & _DROPPED:
        return HubError(f"the connection to {_endpoint()} breaks off each time", "try again later")
    if names & _NO_ADDRESS:
        return HubError(f"{_endpoint()!r} is no address of a Hub", "check HF_ENDPOINT")
    return HubError(
        f"the Hub at {_endpoint()} cannot be reached ({_reason(error)})",
        f"check the network and HF_ENDPOINT; {cached}",
    )


def _of_rest(error: BaseException, about: About) -> HubError:
    if "Consistency check failed" in str(error):
        return HubError(f"the Hub sent another number of bytes of {about} than it promised")
    if "TooManyRedirects" in _names(error):
        return no_hub("redirects without an end")
    not_json = ValueError | TypeError | KeyError | AttributeError | RecursionError | OSError
    if isinstance(error, not_json):
        return no_hub("answers what no Hub does")
    return HubError(f"the Hub's client fails with {about}: {_reason(error)}")


def _of_disk(error: OSError) -> HubError:
    from genzoo_hub.repo_cache import cache_folder

    elsewhere = "HF_HUB_CACHE names another folder"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return HubError(f"the disk is full that {cache_folder()} is on", elsewhere)
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return HubError(f"the Hub's cache {cache_folder()} cannot be written to", elsewhere)
    return HubError(f"the Hub's cache {cache_folder()} fails: {error.strerror}", elsewhere)


def _names(error: BaseException) -> set[str]:
    return {kind.__name__ for kind in type(error).__mro__}


def _reason(error: BaseException) -> str:
    text = re.sub(r"^\[Errno -?\d+\] ", "", " ".join(str(error)[:2000].split()))
    return public(text)[:200] or type(error).__name__


def _endpoint() -> str:
    from huggingface_hub import constants

    return public(constants.ENDPOINT)
