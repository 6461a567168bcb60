"""
Faults at every endpoint that tells of changes, and the worst that each makes of the judged population.

A run takes one world (`worlds.py`: changes on a GitHub and a Jira of the loopback), one kind of fault (`kinds.py`) and one
place (an endpoint, one of its calls, or one member of what it answers). It collects, loads and judges every shipped control
about changes, and compares that with the same world without a fault (`roads.py`). Wrong is an outcome that became *met*,
*not applicable* or a deviation, an item that left a whole population, a conclusion that became clean, a change of outcomes
while every coverage claims to be whole (silent), an exception, more than ten times the requests, and a credential in
evidence, log or message. For the kinds `lie-*` a finding has to be read: what nothing contradicts cannot be noticed.

    python -m tests.campaign --list --world a --kind once-401     the runs that there are
    python -m tests.campaign --world a,c --kind member-null       run them: a line for each that went wrong, and a summary
    python -m tests.campaign --place check-runs --sample 50 --seed 7 --all     a part drawn by lot, a line for each run

`--distinct` runs each kind and place in the first world that has it, `--minutes` ends in time, `--most` is how often the same
defect stops a kind. It takes two processes. The exit code is 1 when something was wrong. `make campaign` runs a sample.
"""
