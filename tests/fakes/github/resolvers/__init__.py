"""The answers to the fields of `schema.graphql`, by type and field; whatever is not here is an attribute of the value."""

from __future__ import annotations

from tests.fakes.github.resolvers import changes, checks, deliveries, people, repositories
from tests.fakes.github.resolvers.shared import Resolver

RESOLVERS: dict[tuple[str, str], Resolver] = {
    **people.RESOLVERS,
    **repositories.RESOLVERS,
    **changes.RESOLVERS,
    **checks.RESOLVERS,
    **deliveries.RESOLVERS,
}
