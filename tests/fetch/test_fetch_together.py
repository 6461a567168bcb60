"""Several tasks at a time."""

import contextlib
import signal
import threading
import time

import pytest

from soc2ev.errors import CollectError
from soc2ev.fetch import Credential, Fetch
from soc2ev.fetch.crew import Pieces
from tests.fetch.serving import reply


@pytest.fixture
def interruptible():
    """SIGINT raises KeyboardInterrupt, also where the tests run in the background of a shell, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


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
    places = desk.fetch(workers=4).together([barrier.wait] * 4)
    assert [0, 1, 2, 3] == sorted(places)


@pytest.mark.parametrize("workers", [1, 2])
def test_nested_tasks_wait_for_nobody(desk, workers):
    """More tasks than workers at every of three levels: none starves, and the results are in their order."""
    fetch = desk.fetch(workers=workers)

    def nested(path):
        below = [(*path, number) for number in range(3)]
        return fetch.together([lambda one=one: nested(one) for one in below]) if len(path) < 3 else path

    expected = [[[(a, b, c) for c in range(3)] for b in range(3)] for a in range(3)]
    assert expected == nested(())


def test_nested_tasks_run_at_the_same_time(desk):
    """A task's own tasks do not wait for one another either."""
    fetch, barrier = desk.fetch(workers=2), threading.Barrier(4, timeout=5)
    places = fetch.together([lambda: fetch.together([barrier.wait] * 2)] * 2)
    assert [0, 1, 2, 3] == sorted(place for inner in places for place in inner)


def test_nested_tasks_ask_no_more_at_a_time_than_the_workers(desk, server, get):
    """However many threads there are, the requests that are under way are counted together, for all servers."""
    lock, busy = threading.Lock(), []

    def answer(_):
        with lock:
            busy.append(max([0, *busy[-1:]]) + 1)
        time.sleep(0.01)
        with lock:
            busy.append(busy[-1] - 1)
        return reply([])

    server.answer = answer
    fetch = desk.fetch(workers=3)
    ask = [lambda place=place: get(fetch, auth=Credential.bearer(f"other-{place % 2}")) for place in range(6)]
    fetch.together([lambda: fetch.together(ask)] * 4)
    assert (3, 24) == (max(busy), len(server.asked))


def test_tasks_are_taken_from_an_iterator_while_others_run(desk):
    """The second is asked for although the first has not ended; one thread at a time asks."""
    taken = threading.Event()

    def tasks():
        yield lambda: taken.wait(5)
        taken.set()
        yield lambda: "second"

    assert [True, "second"] == desk.fetch(workers=2).together(tasks())


@pytest.mark.parametrize("workers", [1, 3])
def test_an_iterator_that_fails_costs_no_task_that_it_gave(desk, workers):
    """What it gave is finished before its exception is raised; an exception of a task comes first."""
    done = []

    def tasks(*first):
        yield from first
        yield lambda: done.append(1)
        raise LookupError("no more")

    with pytest.raises(LookupError, match="no more"):
        desk.fetch(workers=workers).together(tasks())
    assert [1] == done
    with pytest.raises(ZeroDivisionError):
        desk.fetch(workers=workers).together(tasks(lambda: 1 // 0))
    assert [1, 1] == done


@pytest.mark.parametrize("workers", [1, 4])
def test_what_tasks_store_can_come_in_their_order(desk, server, get, workers):
    """The first is answered last and stored first; another call for the next task is stored when it comes."""

    def answer(asked):
        time.sleep(0.05 if asked.path == "/0" else 0)
        return reply([asked.path])

    server.answer = answer
    fetch = desk.fetch(workers=workers)
    answers = fetch.together([lambda number=number: get(fetch, f"/{number}") for number in range(8)], in_turn=True)
    assert sorted(answer.item.seq for answer in answers) == [answer.item.seq for answer in answers]


def test_tasks_within_tasks_store_in_the_order_of_those(desk, server, get):
    """What a task of the second task asks is stored after all of the first, although it is answered before."""

    def answer(asked):
        time.sleep(0.05 if asked.path == "/0" else 0)
        return reply([asked.path])

    server.answer = answer
    fetch = desk.fetch(workers=4)
    inner = [lambda number=number: get(fetch, f"/{number}") for number in (1, 2)]
    tasks = [lambda: get(fetch, "/0"), lambda: fetch.together(inner)]
    fetch.together(tasks, in_turn=True)
    assert "/0" == desk.stored()[0].request["url"].removeprefix(server.url)
    assert 3 == len(desk.stored())


def test_what_is_known_later_stands_in_the_request(desk, server, query):
    """It is asked for when the answer is stored: a task in turn knows what those before it came to."""
    server.answer = lambda _: reply({"data": {"a": 1}})
    fetch, told = desk.fetch(workers=2), []

    def task(number):
        query(fetch, request={"role": "x"}, later=lambda: {"told": sorted(told)})
        told.append(number)

    fetch.together([lambda number=number: task(number) for number in range(3)], in_turn=True)
    requests = [item.request for item in desk.stored()]
    assert [("x", []), ("x", [0]), ("x", [0, 1])] == [(one["role"], one["told"]) for one in requests]


def slow(asked):
    """The answers to fillers take longer than those to a chain."""
    time.sleep(0.01 if asked.path.startswith("/chain") else 0.5)
    return reply([])


def test_a_chain_that_goes_ahead_keeps_its_place(desk, server, get, monkeypatch):
    """While one of its answers is read, nobody who waits takes the place; the third filler comes after the chain."""
    monkeypatch.setattr("soc2ev.fetch.governor._KEPT_SECONDS", 1.0)
    server.answer = slow
    fetch, begun = desk.fetch(workers=3), threading.Event()

    def chain():
        with fetch.ahead():
            for number in range(5):
                get(fetch, f"/chain/{number}")
                begun.set()
                time.sleep(0.01)

    def filler(number):
        begun.wait(5)
        get(fetch, f"/{number}")

    fillers = [lambda number=number: filler(number) for number in range(6)]
    fetch.together([chain, lambda: fetch.together(fillers)])
    order = [asked.path.startswith("/chain") for asked in server.asked]
    assert (11, 5, 5) == (len(order), sum(order), sum(order[:7]))


def test_a_place_is_kept_for_a_moment_only(desk, server, get):
    """A chain that does not go on holds nobody up."""
    server.answer = lambda _: reply([])
    fetch = desk.fetch(workers=3)
    with fetch.ahead():
        get(fetch)
    begun = time.monotonic()
    fetch.together([lambda: get(fetch)] * 9)
    assert time.monotonic() - begun < 2


def test_what_goes_behind_waits_for_all_others(desk, server, get):
    """It is asked last of those that wait, although it came first."""
    first = threading.Event()
    server.answer = lambda asked: (first.wait(5) if asked.path == "/first" else None, reply([]))[1]
    fetch = desk.fetch(workers=1)

    def behind():
        with fetch.behind():
            get(fetch, "/behind")

    def waiting(number):
        while (
            len(fetch._talk._governor._places) == 0
            or len(next(iter(fetch._talk._governor._places.values())).waiting) < number
        ):
            time.sleep(0.002)

    threads = [threading.Thread(target=get, args=(fetch, "/first")), threading.Thread(target=behind)]
    threads += [threading.Thread(target=get, args=(fetch, "/usual"))]
    for number, thread in enumerate(threads):
        thread.start()
        while not server.asked:
            time.sleep(0.002)
        waiting(number)
    first.set()
    for thread in threads:
        thread.join()
    assert ["/first", "/usual", "/behind"] == [asked.path for asked in server.asked]


def test_an_iterator_stores_while_its_tasks_wait_for_their_turn(desk, server, get):
    """It is no task itself: what it asks is stored at once."""
    server.answer = [reply([])]
    fetch, first = desk.fetch(workers=2), threading.Event()

    def tasks():
        yield lambda: first.wait(5)
        get(fetch, "/next")
        first.set()
        yield lambda: get(fetch, "/task").status

    assert [True, 200] == fetch.together(tasks(), in_turn=True)


def test_pieces_are_cut_as_large_as_the_first_one_taught(desk):
    """The first goes alone while the flow is read on; then whole pieces go, and what is left at the end."""
    fetch, asked, sizes = desk.fetch(workers=4), [], [2]

    def ask(chosen):
        asked.append(list(chosen))
        sizes[0] = 5
        return True

    fetch.together(Pieces(lambda: sizes[0], ask).cut([[1, 2, 3], [4, 5, 6, 7, 8, 9], [], [10, 11, 12, 13]]))
    assert [1, 2] == asked[0]
    assert [[3, 4, 5, 6, 7], [8, 9, 10, 11, 12], [13]] == sorted(asked[1:])


def test_nothing_goes_beside_the_first_piece(desk):
    """Although more than one size is there before it is answered."""
    fetch, lock, busy, most = desk.fetch(workers=4), threading.Lock(), [0], []

    def ask(chosen):
        with lock:
            busy[0] += 1
            most.append((chosen[0], busy[0]))
        time.sleep(0.02)
        with lock:
            busy[0] -= 1
        return True

    fetch.together(Pieces(lambda: 2, ask).cut([range(20)]))
    assert (0, 1) == most[0]
    assert (10, 4) == (len(most), max(number for _, number in most))
    assert 1 == min(number for _, number in most[1:])


def test_after_a_piece_in_vain_the_rest_is_one_piece(desk):
    """Who asks for it sees that there is no use, and can stop; nothing is dropped."""
    asked = []
    pieces = Pieces(lambda: 2, lambda chosen: asked.append(list(chosen)) or 3 not in chosen)
    desk.fetch(workers=1).together(pieces.cut([[1, 2, 3, 4, 5], [6, 7, 8]]))
    assert [[1, 2], [3, 4], [5, 6, 7, 8]] == asked


def test_the_clock_of_a_thread_stands_still_while_it_waits_for_its_turn(desk, server, get):
    """Only the time of the answers themselves tells how much fits into one."""
    server.answer = lambda _: (time.sleep(0.1), reply([]))[1]
    fetch = desk.fetch(workers=2)

    def timed():
        began, work = time.monotonic(), fetch.clock()
        get(fetch)
        return time.monotonic() - began, fetch.clock() - work

    # Four threads and two turns: two of them wait for as long as an answer takes.
    spent = [one for pair in fetch.together([lambda: fetch.together([timed] * 2)] * 2) for one in pair]
    assert all(work >= 0.09 for _, work in spent)
    assert 2 <= sum(whole - work > 0.07 for whole, work in spent)


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


@pytest.mark.usefixtures("interruptible")
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


@pytest.mark.usefixtures("interruptible")
def test_an_interruption_reaches_the_tasks_of_tasks(opened):
    """Those that have not begun never do, at any depth."""
    both, go_on, begun = threading.Barrier(2, timeout=5), threading.Event(), []

    def inner(number):
        begun.append(number)
        if number == 0:
            both.wait()
        go_on.wait(5)

    def interrupt():
        both.wait()
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    threading.Thread(target=interrupt).start()
    run = contextlib.ExitStack()
    fetch = run.enter_context(opened()).fetch(workers=2)
    nested = [lambda: fetch.together([lambda number=number: inner(number) for number in range(6)])]
    with pytest.raises(KeyboardInterrupt), run:
        fetch.together([*nested, lambda: go_on.wait(5)])
    before = threading.active_count()
    go_on.set()
    until = time.monotonic() + 5
    while threading.active_count() > before - 3 and time.monotonic() < until:
        time.sleep(0.01)
    assert {0, 1} >= set(begun)


def test_one_thread_is_enough_for_those_who_do_not_ask_for_more(desk, server, get):
    """What was there before works as before."""
    server.answer = [reply([1])]
    fetch = Fetch(desk.vault)
    assert [1] == fetch.json(get(fetch))
