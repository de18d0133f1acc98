"""What a job may do, apart from what it makes, in both spellings."""

from google.protobuf import json_format
from immichvr.events.v1.events_pb2 import Grants, Job
from immichvr_common.grants import granted_params, grants_of, params_of, put_grants, without_grants

GRANTS = Grants(accepted=["da2-base"], token="secret", keep_ply=True)
OLD = {"model": "auto", "keepPly": True, "accepted": ["da2-base"], "token": "secret"}


def a_job(**params: object) -> Job:
    job = Job(id="splat-p-r")
    job.params.update(params)
    return job


def test_parameters_can_be_shown_and_kept_without_what_was_granted() -> None:
    job = a_job(model="auto")
    put_grants(job, GRANTS)
    assert params_of(job) == {"model": "auto"}
    assert grants_of(job) == GRANTS


def test_a_job_of_the_first_release_has_its_grants_among_its_parameters() -> None:
    job = a_job(**OLD)
    assert (params_of(job), grants_of(job)) == ({"model": "auto"}, GRANTS)
    assert granted_params(job) == OLD


def test_workers_of_the_first_release_find_the_grants_where_they_look_for_them() -> None:
    job = a_job(model="auto")
    put_grants(job, GRANTS)
    assert json_format.MessageToDict(job.params) == OLD


def test_what_is_not_granted_is_not_said() -> None:
    job = a_job(model="auto")
    put_grants(job, Grants())
    assert granted_params(job) == {"model": "auto"} == without_grants(OLD)
