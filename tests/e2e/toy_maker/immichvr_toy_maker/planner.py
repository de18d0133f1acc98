"""From what somebody asks for to the job that it takes: runs in the gateway."""

from immichvr.toymaker.v1.toymaker_pb2 import PlayParams
from immichvr_gateway.http.problems import not_accepted
from immichvr_gateway.requests.params import shown_params
from immichvr_gateway.requests.planning import JobRequest, Known
from immichvr_gateway.requests.recipes import job_id, recipe
from immichvr_gateway.requests.spec import JobSpec

COLOURS = ["red", "green"]


class PlayRequest(JobRequest):
    """What toy to make."""

    colour: str = "red"

    def plan(self, known: Known) -> JobSpec:
        """One toy of each colour."""
        if self.colour not in COLOURS:
            raise not_accepted("colour", self.colour, COLOURS)
        params = PlayParams(colour=self.colour)
        own = recipe("play", known.of.version, "wooden", shown_params(params))
        return JobSpec(
            kind="play", id=job_id("play", known.of.source, own), params=params, shown=shown_params(params),
            of=known.of, recipes={"toy": own}, stages_source=True,
            existing=tuple(one for one in known.assets if (one.kind, one.recipe) == ("toy", own)),
        )  # fmt: skip
