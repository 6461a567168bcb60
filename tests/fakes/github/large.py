"""A month of a large project: many pull requests with reviews, pushes, checks and deployments, the same for each seed."""

from __future__ import annotations

import random
from datetime import timedelta

from tests.fakes.github import tokens
from tests.fakes.github.builder import Company
from tests.fakes.github.change import Change
from tests.fakes.github.world import Account

SECRET = "large-secret"


def large(pull_requests: int = 10_000, seed: int = 1, repositories: int = 4) -> Company:
    """
    A company with that many merged pull requests in one month.

    Snapshots of files are dropped as soon as nothing is built on them, so that a world of 10,000 stays small; the tip of
    each default branch keeps its files.
    """
    chance = random.Random(seed)
    story = Company()
    people = [story.person(f"dev{number}") for number in range(12)]
    repos = [story.repository(f"service-{number}") for number in range(repositories)]
    story.person("root", "admin")
    for repo in repos:
        repo.ruleset()
    story.token(tokens.classic(SECRET, "root"))
    pace = timedelta(days=28) / max(pull_requests, 1)
    start = story.now
    for number in range(pull_requests):
        story.world.now = start + pace * number
        author, reviewer = chance.sample(people, 2)
        files: dict[str, str | None] = {f"src/m{chance.randrange(20)}.py": str(number)}
        change = Change.open(repos[number % repositories], author, f"ABC-{number} Change", files=files)
        _live(change, author, reviewer, chance)
    story.world.now = max(story.world.now, start + timedelta(days=29))
    return story


def _live(change: Change, author: Account, reviewer: Account, chance: random.Random) -> None:
    repo = change.repo
    if chance.random() < 0.3:
        change.push(author, {f"src/m{chance.randrange(20)}.py": "again"})
    change.check(seconds=30)
    change.approve(reviewer)
    merged = change.merge(reviewer, chance.choice(("squash", "merge", "rebase")))
    repo.delete(change.it.head_ref, author)
    if chance.random() < 0.5:
        repo.deploy(merged.sha, repo.company.bot("github-actions[bot]"), states=("success",))
    kept = repo.it.commits[repo.head()].tree
    repo.it.contents = {kept: repo.it.contents[kept]}
