"""Pauses between attempts to reach the hub, with the jitter taken out."""

from threading import Event

import httpx2
import pytest
from huggingface_hub import constants
from huggingface_hub.errors import HfHubHTTPError

from multiprune.errors import InputError
from multiprune.fetch import hub
from multiprune.fetch.hub import hub_errors, persistently


class TestPauses:
    """The pauses between attempts, with the jitter taken out."""

    @pytest.fixture
    def pauses(self, monkeypatch):
        monkeypatch.setattr(hub.random, "uniform", lambda low, high: (low + high) / 2)
        monkeypatch.setattr(hub, "_given_up", Event())
        return []

    def fail(self, pauses, *errors, progress=lambda: 0):
        remaining = list(errors)

        def action():
            if remaining:
                raise remaining.pop(0)
            return "done"

        return persistently(action, "model x", progress=progress, sleep=pauses.append)

    def status(self, code, **headers):
        request = httpx2.Request("GET", "http://hub")
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        response = httpx2.Response(code, headers=headers, request=request)
        return HfHubHTTPError("", response=response)

    def test_each_is_twice_the_last(self, pauses):
        errors = [httpx2.ConnectError(""), httpx2.ReadTimeout(""), hub.BrokenTransfer()]
        assert self.fail(pauses, *errors, self.status(500)) == "done"
        assert pauses == [4, 8, 16, 32]

    def test_the_fifth_failure_in_a_row_is_raised(self, pauses):
        with pytest.raises(httpx2.ReadError):
            self.fail(pauses, *[httpx2.ReadError("")] * 5)
        assert pauses == [4, 8, 16, 32]

    def test_a_hub_that_could_not_be_reached_is_asked_once_until_it_answers(self, pauses):
        away = [httpx2.ConnectError("")]
        for _ in range(2):
            with pytest.raises(httpx2.ConnectError):
                self.fail(pauses, *away * 5)
        assert pauses == [4, 8, 16, 32]
        assert self.fail(pauses) == "done"
        assert self.fail(pauses, *away) == "done"
        assert pauses == [4, 8, 16, 32, 4]

    def test_progress_is_an_answer(self, pauses):
        with pytest.raises(httpx2.ConnectError):
            self.fail(pauses, *[httpx2.ConnectError("")] * 5)
        arrived = iter([0, 5, 5])
        self.fail(pauses, *[httpx2.ReadTimeout("")] * 2, progress=lambda: next(arrived))
        assert pauses == [4, 8, 16, 32, 4, 8]

    def test_progress_starts_the_count_again(self, pauses):
        arrived = iter([0, 5, 5, 9, 9])  # before, and at each failure
        self.fail(pauses, *[httpx2.ReadError("")] * 4, progress=lambda: next(arrived))
        assert pauses == [4, 8, 4, 8]

    def test_what_the_hub_asks_for_is_added(self, pauses):
        exhausted, left = {"ratelimit": '"api";r=0;t=55'}, {"ratelimit": '"api";r=9;t=55'}
        errors = [self.status(429, Retry_After="7"), self.status(429, **exhausted)]
        errors += [self.status(503, **left), self.status(429, Retry_After="9999")]
        self.fail(pauses, *errors)
        assert pauses == [4 + 7, 8 + 55, 16, 300]

    def test_jitter_stays_within_half(self):
        pauses = [hub._pause(1, httpx2.ReadError("")) for _ in range(200)]
        assert 2 <= min(pauses) < 3 < 5 < max(pauses) <= 6

    @pytest.mark.parametrize("error", [401, 403, 404, 416, ValueError(), OSError(28, "full")])
    def test_what_stays_is_raised_at_once(self, pauses, error):
        error = self.status(error) if isinstance(error, int) else error
        with pytest.raises(type(error)):
            self.fail(pauses, error)
        assert pauses == []


def test_the_page_of_a_repository_shows_no_password(monkeypatch):
    monkeypatch.setattr(constants, "ENDPOINT", "https://me:secret@mirror.example:8443/hub")
    assert hub.hub_page("org/m") == "https://mirror.example:8443/hub/org/m"
    monkeypatch.setattr(constants, "ENDPOINT", "https://mirror.example")
    assert hub.hub_page("org/d@x", "dataset") == "https://mirror.example/datasets/org/d@x"


class TestAnswersOfAnotherForm:
    """What a login page, a proxy or another service says in place of the hub."""

    @pytest.mark.parametrize(
        "error",
        [
            *(ValueError("Expecting value"), TypeError("NoneType"), KeyError("id"), IndexError()),
            RecursionError(),
        ],
    )
    def test_is_one_line(self, error):
        with (
            pytest.raises(
                InputError, match=r"^model x: the hub's answer is not what .* login page"
            ) as caught,
            hub_errors("model x", "main"),
        ):
            raise error
        assert str(caught.value).endswith(f" ({type(error).__name__})")

    def test_our_own_line_stays(self):
        with pytest.raises(InputError, match=r"^own$"), hub_errors("model x", "main"):
            raise InputError("own")
