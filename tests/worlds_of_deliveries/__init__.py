"""
Random companies that deploy or release, followed over months, and what has to come out for each delivery.

A world (`telling.py`, `delivering.py`) is drawn by its seed: repositories with `mode: deploy`, `release` and `merge` side
by side, requests with and without approval, ticket, checks, description and emergency, pushes, pre-approved changes of a
machine, a second production branch, resets, environments with and without gates, rollbacks, releases that are drafts,
moved, promoted or made again; and collections at odd times. The oracle (`oracle.py`) knows what was noted of the story
(`stories.py`) and never looks at a table of the product. `__main__.py` collects, judges and compares each item letter by
letter, each commit's fate, and whether every violation that was released is somewhere a deviation.

    python -m tests.worlds_of_deliveries --seeds 1-50            a line for each disagreement, and a summary
    python -m tests.worlds_of_deliveries --seeds 7 --tell        the story of that world as well

`--packs 10` writes, verifies and re-performs a pack of every tenth world. The exit code is 1 when anything disagreed.
"""
