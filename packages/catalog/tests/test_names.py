"""One spelling of each service's name, wherever it is written."""

import pytest
from immichvr_catalog import CatalogError, JobKind, Service


def test_a_name_of_two_words_is_spelled_as_each_place_wants_it() -> None:
    service = Service("video-depth")
    assert service.module == "immichvr_video_depth"
    assert service.env_prefix == "IMMICHVR_VIDEO_DEPTH_"
    assert service.proto == "immichvr.videodepth.v1"
    assert service.subject == "video-depth"
    assert service.account == "VIDEO_DEPTH"
    assert service.image == "immichvr-video-depth"
    assert service.folder == "services/video-depth"


def test_a_name_of_one_word_is_itself() -> None:
    service = Service("ai")
    assert (service.module, service.env_prefix, service.proto) == ("immichvr_ai", "IMMICHVR_AI_", "immichvr.ai.v1")


@pytest.mark.parametrize("name", ["", "Video", "video_depth", "video.depth", "video depth", "-video", "video-", "3d"])
def test_what_no_subject_and_no_module_could_be_called_is_no_name(name: str) -> None:
    with pytest.raises(CatalogError, match="no name for a service"):
        Service(name)
    with pytest.raises(CatalogError, match="no name for a kind of job"):
        JobKind(name, "ai", "")


def test_a_job_does_not_both_make_and_extend() -> None:
    with pytest.raises(CatalogError, match="either makes assets or extends one"):
        JobKind("odd", "ai", "", makes=("depth",), extends="splat")


@pytest.mark.parametrize(
    "wrong", [{"pools": ("tpu",)}, {"pools": ()}, {"classes": ("soon",)}, {"deadline_s": 0}, {"gpu_batch": 0}]
)
def test_what_cannot_be_of_a_kind_is_refused_by_its_name(wrong: dict[str, object]) -> None:
    with pytest.raises(CatalogError, match="'odd'"):
        JobKind("odd", "ai", "", **wrong)  # type: ignore[arg-type]


def test_a_job_goes_to_the_cpu_where_its_service_has_no_gpu_and_where_it_would_not_use_one() -> None:
    either, cpu_only = JobKind("a", "ai", "", pools=("gpu", "cpu")), JobKind("b", "ai", "", pools=("cpu",))
    gpu_only = JobKind("c", "ai", "", pools=("gpu",))
    assert [kind.pool("gpu") for kind in (either, cpu_only, gpu_only)] == ["gpu", "cpu", "gpu"]
    assert [kind.pool("cpu") for kind in (either, cpu_only, gpu_only)] == ["cpu", "cpu", "cpu"]
