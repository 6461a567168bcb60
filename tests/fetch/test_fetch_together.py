"""Several tasks at a time."""

import contextlib
import signal
import threading
import time

import pytest

from soc2ev.errors import CollectError
from soc2ev.fetch import Fetch
from tests.fetch.serving import reply


@pytest.mark.parametrize("workers", [1, 4])
def test_results_come_in_the_order_of_the_tasks(desk, workers):
    """However long each takes."""
    fetch = desk.fetch(workers=workers)
    tasks = [lambda number=number: (time.sleep(0.01 * (number % 3)), number)[1] for number in range(12)]
    assert list(range(12)) == fetch.together(tasks)
    assert [] == fetch.together([])


@pytest.mark.parametrize("workers", [1, 4])
def test_all_finish_before_the_first_exception_is_raised(desk, workers):
    """The first in the order of the tasks, not in time."""
    done = []

    def task(number):
        time.sleep(0.03 if number == 1 else 0)
        done.append(number)
        if number in (1, 2):
            raise ValueError(number)
        return number

    with pytest.raises(ValueError, match="1"):
        desk.fetch(workers=workers).together([lambda number=number: task(number) for number in range(8)])
    assert list(range(8)) == sorted(done)


def test_tasks_run_at_the_same_time(desk):
    """Four tasks that wait for one another all get a thread of their own."""
    barrier = threading.Barrier(4, timeout=5)
    desk.fetch(workers=4).together([barrier.wait] * 4)


def test_nested_tasks_run_on_the_thread_that_asked(desk):
    """More tasks than workers at every level: nothing waits for ever, and no thread is added."""
    fetch = desk.fetch(workers=2)

    def outer(number):
        here = threading.get_ident()
        return fetch.together(
            [lambda inner=inner: (number, inner, threading.get_ident() == here) for inner in range(3)]
        )

    found = fetch.together([lambda number=number: outer(number) for number in range(5)])
    assert [[(number, inner, True) for inner in range(3)] for number in range(5)] == found


def test_there_is_at_least_one_worker(desk):
    """None could do nothing."""
    with pytest.raises(ValueError, match="worker"):
        desk.fetch(workers=0)


def test_the_vault_holds_together(desk, server, get):
    """Every answer of every thread is stored, and the journal is as good as one written by one thread."""
    server.answer = lambda asked: reply([asked.path])
    fetch = desk.fetch(workers=4)
    answers = fetch.together([lambda number=number: get(fetch, f"/{number}") for number in range(40)])
    assert [[f"/{number}"] for number in range(40)] == [fetch.json(answer) for answer in answers]
    assert sorted(answer.item.seq for answer in answers) == [item.seq for item in desk.stored()]
    assert 40 == len({item.digest for item in desk.stored()})


def test_a_session_is_used_by_one_thread_at_a_time(desk, server, get, monkeypatch):
    """They are not made for sharing, and connections are kept for the next request."""
    fetch = desk.fetch(workers=3)
    using, clashes, made = set(), [], set()
    real = fetch._talk._web._send

    def send(session, prepared):
        clashes.extend({id(session)} & using)
        using.add(id(session))
        made.add(id(session))
        try:
            time.sleep(0.005)
            return real(session, prepared)
        finally:
            using.discard(id(session))

    monkeypatch.setattr(fetch._talk._web, "_send", send)
    server.answer = [reply([])]
    for _ in range(3):
        fetch.together([lambda: get(fetch)] * 6)
    assert ([], True) == (clashes, len(made) <= 3)


def test_an_interruption_ends_the_waiting_at_once(opened, server, get):
    """Ctrl-C does not wait for a limit; nothing is stored after it, and the vault stays whole."""
    both, go_on, outcome = threading.Barrier(3, timeout=5), threading.Event(), []

    def task():
        both.wait()
        go_on.wait(5)
        try:
            get(fetch)
        except CollectError as problem:
            outcome.append(problem.message)

    def interrupt():
        both.wait()
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    server.answer = [reply([])]
    begun = time.monotonic()
    threading.Thread(target=interrupt).start()
    run = contextlib.ExitStack()
    desk = run.enter_context(opened())
    fetch = desk.fetch(workers=2)
    with pytest.raises(KeyboardInterrupt), run:
        fetch.together([task, task, task])
    assert time.monotonic() - begun < 2
    lines = [line.type for line in desk.vault.lines()]
    go_on.set()
    while len(outcome) < 2 and time.monotonic() - begun < 5:
        time.sleep(0.01)
    assert ["the run was interrupted; nothing more is stored"] * 2 == outcome
    assert lines == [line.type for line in desk.vault.lines()] == ["run", "finish"]


def test_one_thread_is_enough_for_those_who_do_not_ask_for_more(desk, server, get):
    """What was there before works as before."""
    server.answer = [reply([1])]
    fetch = Fetch(desk.vault)
    assert [1] == fetch.json(get(fetch))
