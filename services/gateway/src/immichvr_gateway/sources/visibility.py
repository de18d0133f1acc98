"""Whether somebody may see a source: asked of the library each time, never remembered for good."""

from __future__ import annotations

from collections.abc import Collection

from immichvr_catalog import OF_LIBRARIES
from immichvr_common.sources import Source

from immichvr_gateway.library import Identity, Library, PhotoNotFound
from immichvr_gateway.sources.composites import Composites

_ASKED_SINGLY = 1000
"""Photos and videos of many that the library is asked about one by one, at most; of the others nothing is said."""


class Visibility:
    """Who may see what, for every door alike.

    A photo or a video is seen by whom the library shows it to; a set or a scene by whoever sees all that it is made
    of, and by nobody where that is not known. Calls raise LibraryUnavailable, SignInFailed, Unavailable.
    """

    def __init__(self, library: Library, composites: Composites) -> None:
        self._library, self._composites = library, composites
        # No scene of a folder is shown of which one file is gone by now.
        self._looks_anew = not library.remembers

    async def may_see(self, who: Identity, source: Source | None) -> bool:
        """Whether a person may see a source, and what is made of it; everybody what is about none."""
        return source is None or source in await self.visible(who, [source])

    def recall(self, who: Identity, source: Source | None) -> bool | None:
        """The same, if it was decided lately; None where it has to be asked."""
        if source is None:
            return True
        leaves = self._composites.recall(source)
        if not leaves:
            return None
        seen = {self._library.recall(who, leaf) for leaf in leaves}
        return False if False in seen else None if None in seen else True

    async def visible(self, who: Identity, sources: Collection[Source]) -> set[Source]:
        """Those of many that a person may see."""
        found = {source: await self._composites.leaves(source) for source in set(sources)}
        leaves = {source: parts for source, parts in found.items() if parts}
        made = [parts for source, parts in leaves.items() if source.kind not in OF_LIBRARIES]
        anew = {leaf for parts in made for leaf in parts} if self._looks_anew else set()
        seen = await self._seen(who, {parts[0] for parts in leaves.values()}, anew)
        # A library is not asked a thousand times for somebody who does not see the first of them.
        leaves = {source: parts for source, parts in leaves.items() if parts[0] in seen}
        seen |= await self._seen(who, {leaf for parts in leaves.values() for leaf in parts[1:]}, anew)
        return {source for source, parts in leaves.items() if seen.issuperset(parts)}

    async def owns(self, who: Identity, source: Source) -> bool:
        """Whether all that a source consists of is this person's own, asked anew. Raises PhotoNotFound."""
        leaves = await self._composites.leaves(source)
        if not leaves:
            raise PhotoNotFound(source.id)
        for leaf in leaves:
            if not await self._library.owns(who, leaf):
                return False
        return True

    async def owns_some(self, who: Identity, source: Source) -> bool:
        """Whether any of what a source consists of is this person's own, asked anew. Raises PhotoNotFound."""
        for leaf in await self._composites.leaves(source) or ():
            if await self._library.owns(who, leaf):
                return True
        return False

    async def _seen(self, who: Identity, leaves: Collection[Source], anew: Collection[Source]) -> set[Source]:
        """Those that a person sees. anew: what is asked about whatever was said of it lately."""
        if not leaves:
            return set()
        known = {leaf: None if leaf in anew else self._library.recall(who, leaf) for leaf in leaves}
        unknown = [leaf for leaf, is_seen in known.items() if is_seen is None]
        seen = {leaf for leaf, is_seen in known.items() if is_seen}
        if unknown:
            seen |= await self._library.visible(who, unknown, singly=min(len(unknown), _ASKED_SINGLY))
        return seen
