"""What a message is about, in the spelling of this release and of the one before."""

import pytest
from google.protobuf import json_format
from immichvr.events.v1.events_pb2 import AssetEvent, Job, JobEvent
from immichvr_common.sources import Source

Message = type[Job] | type[JobEvent] | type[AssetEvent]
MESSAGES = [Job, JobEvent, AssetEvent]


@pytest.mark.parametrize("message", MESSAGES)
@pytest.mark.parametrize("source", [Source("photo", "6f1c"), Source("video", "6f1c"), Source("set", "set-0a")])
def test_a_message_says_what_it_is_about(message: Message, source: Source) -> None:
    sent = message()
    source.put(sent)
    received = json_format.Parse(json_format.MessageToJson(sent), message())
    assert Source.of(received) == source


@pytest.mark.parametrize("message", MESSAGES)
def test_a_message_of_the_release_before_names_a_photo(message: Message) -> None:
    assert Source.of(message(photo_id="6f1c")) == Source("photo", "6f1c")


@pytest.mark.parametrize("message", MESSAGES)
def test_the_release_before_reads_the_photo_and_takes_nothing_else_for_one(message: Message) -> None:
    of_photo, of_video = message(), message(photo_id="what-it-was-before")
    Source("photo", "6f1c").put(of_photo)
    Source("video", "6f1c").put(of_video)
    assert (of_photo.photo_id, of_video.photo_id) == ("6f1c", "")


@pytest.mark.parametrize("message", MESSAGES)
def test_a_message_about_nothing_has_no_source(message: Message) -> None:
    assert Source.of(message()) is None


def test_sources_of_two_kinds_with_one_id_are_two() -> None:
    assert len({Source("photo", "a"), Source("video", "a"), Source("photo", "a")}) == 2
    assert str(Source("video", "a")) == "video a"
