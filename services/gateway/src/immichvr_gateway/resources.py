"""What a gateway has from its first moment on, whether or not NATS and S3 answer."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from immichvr_common.storage import ObjectStore
from immichvr_common.supervision import Supervisor
from immichvr_models import Cache

from immichvr_gateway.assets.index import AssetIndex, ManifestReader
from immichvr_gateway.auth.invitations import Invitations
from immichvr_gateway.auth.oauth import OAuthSignIn
from immichvr_gateway.auth.pairing import Pairing
from immichvr_gateway.auth.presences import Presences
from immichvr_gateway.auth.rates import Rates
from immichvr_gateway.auth.seal import Seal
from immichvr_gateway.auth.sessions import Sessions, admitted
from immichvr_gateway.auth.slips import Slips
from immichvr_gateway.auth.standing_keys import StandingKeys
from immichvr_gateway.events.ledger import Ledger
from immichvr_gateway.events.library_news import LibraryNews
from immichvr_gateway.events.sockets import ClientEvents
from immichvr_gateway.jobs.index import JobIndex
from immichvr_gateway.jobs.watched import WatchedParts
from immichvr_gateway.library import ImmichLibrary, Library
from immichvr_gateway.library.immich.accounts import Accounts
from immichvr_gateway.models.catalog import ModelCatalog
from immichvr_gateway.scaling.demand import Demand
from immichvr_gateway.settings import GatewaySettings
from immichvr_gateway.sources.composites import Composites
from immichvr_gateway.sources.visibility import Visibility
from immichvr_gateway.upkeep.skew import Clocks


@dataclass
class Resources:
    """Connections, and what is known; the latter is empty before NATS has told it.

    seal: closes what lies in NATS for a while and tells a secret.
    library_problems: what is wrong with the library just now, in words; library_remarks: what is good to know of it.
    """

    settings: GatewaySettings
    library: Library
    store: ObjectStore
    manifests: ManifestReader
    watched: WatchedParts
    composites: Composites
    visibility: Visibility
    sessions: Sessions
    rates: Rates
    seal: Seal
    presences: Presences
    standing_keys: StandingKeys
    pairing: Pairing
    invitations: Invitations
    slips: tuple[Slips, ...]
    oauth: OAuthSignIn
    accounts: Accounts | None
    clocks: Clocks
    cache: Cache
    models: ModelCatalog
    news: ClientEvents
    ledger: Ledger
    jobs: JobIndex
    assets: AssetIndex
    demand: Demand = field(default_factory=Demand)
    supervisor: Supervisor = field(default_factory=Supervisor)
    library_problems: list[str] = field(default_factory=list)
    library_remarks: list[str] = field(default_factory=list)


def open_resources(settings: GatewaySettings, library: Library) -> Resources:
    """Everything that waits for nobody."""
    store = ObjectStore(settings.s3)
    composites = Composites(store)
    visibility = Visibility(library, composites)
    immich = library if isinstance(library, ImmichLibrary) else None
    accounts, secret = immich.accounts if immich else None, settings.session_key.get_secret_value()
    sessions = Sessions(settings, library, links=immich.links if immich else None, accounts=accounts)
    seal, oauth = Seal(secret or secrets.token_urlsafe(32)), OAuthSignIn(accounts, secret)
    codes, invited = Slips("pairing", seal), Slips("invitation", seal)
    presences = Presences(sessions)
    jobs, assets = JobIndex(), AssetIndex()
    ledger = Ledger(jobs, assets)
    news = ClientEvents(
        lambda scope: admitted(sessions, scope), visibility, presences,
        LibraryNews(library, visibility, assets, jobs).follow, ledger, settings.limits.unread_events,
    )  # fmt: skip
    standing_keys = StandingKeys(library, immich.keys if immich else None, secret)
    cache = Cache.from_env()
    return Resources(
        settings=settings, library=library, store=store, manifests=ManifestReader(store), watched=WatchedParts(store),
        composites=composites,
        visibility=visibility, sessions=sessions, rates=Rates(settings),
        seal=seal, presences=presences, standing_keys=standing_keys,
        pairing=Pairing(sessions, library, codes, accounts), invitations=Invitations(sessions, invited),
        slips=(codes, invited), oauth=oauth, accounts=accounts, clocks=Clocks(store),
        cache=cache, models=ModelCatalog(cache, news.model_changed), news=news,
        ledger=ledger, jobs=jobs, assets=assets,
    )  # fmt: skip
