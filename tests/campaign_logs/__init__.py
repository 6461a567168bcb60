"""
Faults at every call of every log connector over http that has fixtures, and the worst that each makes of what is judged.

A run takes one connector (the answers in `tests/sources/logs/fixtures`, served over the loopback), one kind of fault
(`kinds.py`) and one place: a call, the calls from there on, or one member of what is answered. It collects and reads the
rows back, and where they differ from those without a fault it judges every control about logs (`roads.py`). Wrong is

- a fact that says something else than without the fault, unless the fault is a lie that plainly says so (`lie-*`);
- a row that is gone while the collection claims to be whole, and any change of rows that a broken call leaves unsaid;
- an outcome that became *met*, *not applicable* or a deviation, and a collection that failed without exit code 4 or 5;
- an exception, a credential in evidence, message or coverage, and more than ten times the requests.

    python -m tests.campaign_logs --list --connector okta --kind still-403      the runs that there are
    python -m tests.campaign_logs --connector okta,zendesk --kind one-weird     run them: a line for each that went wrong
    python -m tests.campaign_logs --sample 50 --seed 7 --all                    a part drawn by lot, a line for each run

`--most` is how often the same defect stops a kind at one connector, `--minutes` ends in time. The exit code is 1 when
something was wrong. For kinds `lie-*` a finding has to be read: what nothing contradicts cannot be noticed.
"""
