"""Which errors there are, under the codes that programs tell them by, in words for people."""

from __future__ import annotations

import re
from dataclasses import dataclass

from immichvr_catalog.errors import CatalogError
from immichvr_catalog.table import Table

_CODE = re.compile(r"[a-z]+(_[a-z]+)*")


@dataclass(frozen=True)
class ErrorCode:
    """Something that can go wrong.

    sentence: what happened. remedy: what can be done about it. statuses: of HTTP, where the API answers so; none where
    only a job or a live session ends so. retriable: whether the same, asked for again, may go well.
    """

    name: str
    sentence: str
    remedy: str
    statuses: tuple[int, ...] = ()
    retriable: bool = False

    def __post_init__(self) -> None:
        if _CODE.fullmatch(self.name) is None:
            raise CatalogError(f"{self.name!r} is no code of an error: lower-case words with underscores between")
        for text in (self.sentence, self.remedy):
            if not text.endswith("."):
                raise CatalogError(f"the error {self.name!r} is told in sentences, not as {text!r}")
        if not all(400 <= status <= 599 for status in self.statuses):
            raise CatalogError(f"the error {self.name!r} has a status of HTTP from 400 to 599, not {self.statuses!r}")


ERRORS = Table(
    "error",
    ErrorCode,
    (
        # the photo
        ErrorCode(
            "invalid_image", "This file could not be read as a photo.",
            "It may be damaged or incomplete. Open the original to check it, or upload it again.", statuses=(409, 422),
        ),
        ErrorCode(
            "image_too_large", "This photo has too many pixels.",
            "Make a smaller copy of it, or ask whoever runs this server to raise the limit.", statuses=(413,),
        ),
        ErrorCode(
            "image_too_small", "This photo has too few pixels to see depth in.",
            "Choose a larger version of it; each side needs at least 32 pixels.",
        ),
        ErrorCode(
            "unsupported_format", "This kind of file is not one that can be used here.",
            "The details below say what it is, and what to do. Photos do best as JPEG, PNG, WebP, HEIC or TIFF.",
            statuses=(422,),
        ),
        ErrorCode(
            "not_flat", "This is a panorama or fisheye photo, not a flat picture.",
            "Such photos are not turned into 3D yet. Choose one that an ordinary lens took.", statuses=(422,),
        ),
        ErrorCode("no_embedded_depth", "This photo carries no depth of its own.", "Choose another model."),
        ErrorCode(
            "changed", "The photo was changed meanwhile.",
            "Try again; the new version is used then.", statuses=(409,), retriable=True,
        ),
        ErrorCode(
            "not_ready", "The library has not made this picture yet.",
            "Wait until it has looked at the photo, then try again.", statuses=(409,), retriable=True,
        ),
        # the video
        ErrorCode(
            "invalid_video", "This file could not be read as a video.",
            "It may be damaged or incomplete. Open the original to check it, or upload it again.",
        ),
        ErrorCode("no_picture", "This file has sound, but no moving picture.", "Choose a video."),
        ErrorCode(
            "empty_video", "This video has no frame that can be shown.",
            "It may be damaged or incomplete. Open the original to check it, or upload it again.",
        ),
        ErrorCode(
            "video_too_large", "This video is too large.",
            "Make a smaller copy of it, or ask whoever runs this server to raise the limit.",
        ),
        ErrorCode(
            "video_too_long", "This video is too long.",
            "Choose a part of it, or ask whoever runs this server to raise the limit.",
        ),
        ErrorCode(
            "protected_video", "This video is encrypted.", "Its key is not here. Choose one without copy protection.",
        ),
        ErrorCode(
            "unsupported_video", "This kind of video is not one that can be used here.",
            "Convert it to MP4 with H.264 or HEVC.",
        ),
        ErrorCode(
            "outside_of_video", "The video does not have this part.", "Choose one between its beginning and its end.",
        ),
        # the place
        ErrorCode(
            "nothing_missing", "Nothing is missing from this scene that would be worth filling.",
            "It can be used as it is.",
        ),
        ErrorCode(
            "cannot_complete", "This scene cannot be completed.",
            "The details below say what is lacking. Make the scene anew, then fill what is missing.",
        ),
        ErrorCode(
            "too_few_points", "Too little of the place was recognised to begin with.",
            "Take more pictures of it, with more to see in each, moving a step between them.",
        ),
        ErrorCode(
            "too_few_pictures", "A place takes two pictures at least.",
            "Choose more pictures of it, taken from different spots.",
        ),
        ErrorCode(
            "too_many_pictures", "These are more pictures than one place is made of.",
            "Choose those that show it from the most spots, or a video of it.",
        ),
        ErrorCode(
            "all_blurred", "The pictures are too blurred to recognise anything in them.",
            "Take them again with more light, and hold still for each.",
        ),
        ErrorCode(
            "nothing_to_recognise", "The pictures show too little that can be recognised in another.",
            "Take in more of what has a pattern or edges; bare walls and the sky have none.",
        ),
        ErrorCode(
            "no_overlap", "These pictures do not show the same place, or not enough of it.",
            "Choose pictures of one place, each showing much of what the one before it shows.",
        ),
        ErrorCode(
            "only_turned", "The camera only turned, so nothing tells how far things are.",
            "It is shown as one photo. For a place, take pictures from different spots, a step apart.",
        ),
        ErrorCode(
            "nothing_moved", "All these pictures are the same.",
            "It is shown as one photo. For a place, take pictures from different spots, a step apart.",
        ),
        ErrorCode(
            "invalid_dataset", "This is no dataset of pictures with cameras.",
            "The details below say what is wrong. It takes transforms.json as nerfstudio writes it, and its pictures.",
        ),
        ErrorCode(
            "dataset_too_large", "This dataset is too large.",
            "Leave out pictures, or ask whoever runs this server to raise the limit.",
        ),
        # the 3D files
        ErrorCode(
            "invalid_depth", "The depth kept of this photo could not be read.", "Make its depth anew, then try again.",
        ),
        ErrorCode(
            "invalid_splat", "The 3D file made from this photo is not valid.",
            "Make it again. If it happens every time, please report it.",
        ),
        ErrorCode(
            "unsupported_version", "This 3D file has a version that is not known here.",
            "Save it in an older one, or update ImmichVR.",
        ),
        ErrorCode(
            "corrupt_object", "A stored file is damaged or lost.",
            "Make it again; the photo is not affected.", statuses=(502,),
        ),
        ErrorCode(
            "lost_object", "A stored file has gone.",
            "Make it again; the photo is not affected.", statuses=(410,),
        ),
        ErrorCode(
            "result_missing", "What was made did not arrive in the storage.",
            "Try again. If it happens every time, whoever runs the server should look at its log.", retriable=True,
        ),
        ErrorCode(
            "source_replaced", "The 3D of this photo was made anew meanwhile.",
            "Ask for the file again; it is made from the new one.", retriable=True,
        ),
        ErrorCode(
            "nothing_to_convert", "There is nothing to convert here.",
            "Make the 3D of this photo again.", statuses=(409,),
        ),
        ErrorCode(
            "lost", "The server lost track of this work.",
            "Try again. If it happens again, whoever runs the server should look at its log.", retriable=True,
        ),
        # the work
        ErrorCode("returned", "A worker has given this work back.", "Wait: another one takes it.", retriable=True),
        ErrorCode(
            "out_of_memory", "The server ran out of memory while working on this photo.",
            "Try again when it is less busy, or choose a smaller model or the light quality.", retriable=True,
        ),
        ErrorCode(
            "worker_crashed", "The program that was working on this photo stopped unexpectedly.",
            "Nothing is lost. Try again.", retriable=True,
        ),
        ErrorCode(
            "deadline_exceeded", "This took longer than the server allows.",
            "Try again when the server is less busy, or choose a faster model.", retriable=True,
        ),
        ErrorCode(
            "poison", "This photo stopped the worker several times and was set aside.",
            "Trying again is possible; if it fails once more, please report the photo.", retriable=True,
        ),
        ErrorCode("cancelled", "This was cancelled.", "Ask for it again if you want it after all."),
        ErrorCode(
            "conflict", "Somebody else changed the same thing at this moment.",
            "Try it again.", statuses=(409,), retriable=True,
        ),
        ErrorCode(
            "absence_not_allowed", "Work in your absence is not allowed yet.",
            "Allow it first, in the settings of your account here.", statuses=(409,),
        ),
        ErrorCode(
            "key_reused", "This key was sent before with another request.",
            "Send each request with a key of its own.", statuses=(422,),
        ),
        ErrorCode(
            "under_way", "The same request is being answered at this moment.",
            "Wait, then send it again to get its answer.", statuses=(409,), retriable=True,
        ),
        ErrorCode(
            "model_error", "The model could not work with this photo.",
            "Choose another model, or try another photo.",
        ),
        ErrorCode("already_ended", "This is over already.", "There is nothing left to stop.", statuses=(409,)),
        ErrorCode("not_ended", "This is still under way.", "Wait until it is over.", statuses=(409,)),
        ErrorCode("not_known", "What this consists of is not known any more.", "Ask for it anew.", statuses=(409,)),
        ErrorCode("not_retriable", "This cannot be tried again as it is.", "Ask for it anew.", statuses=(409,)),
        ErrorCode(
            "too_many_jobs", "You have asked for as much as may wait at once.",
            "Wait until some of it is done, then ask for more.", statuses=(429,), retriable=True,
        ),
        ErrorCode(
            "too_many_batches", "You have as many batches as may be under way at once.",
            "Wait until one is done, or cancel one.", statuses=(429,), retriable=True,
        ),
        ErrorCode(
            "not_possible_now", "This makes no sense as things stand.",
            "Look at it again; the details below say how it stands.", statuses=(409,),
        ),
        # the server
        ErrorCode(
            "storage_full", "The storage of the server is full.",
            "Nothing is lost. Once there is room again, the work goes on.", statuses=(507,), retriable=True,
        ),
        ErrorCode(
            "storage_refused", "The storage refuses the server.",
            "Whoever runs it should check its keys and rights for the storage.", statuses=(502,), retriable=True,
        ),
        ErrorCode(
            "clock_skew", "The clocks of the server and its storage differ too much.",
            "Whoever runs it should set them right.", statuses=(503,), retriable=True,
        ),
        ErrorCode(
            "unavailable", "A part of the server is down.",
            "Wait a moment, then try again.", statuses=(503,), retriable=True,
        ),
        ErrorCode(
            "internal", "Something went wrong on the server.",
            "Try again. The details below help to report it.", statuses=(500,), retriable=True,
        ),
        # who may
        ErrorCode("unauthorized", "You are signed out.", "Sign in again to go on.", statuses=(401,)),
        ErrorCode("forbidden", "You are not allowed to do this.", "Ask the owner of the photo or of the server."),
        ErrorCode(
            "not_permitted", "Immich does not let you do this.",
            "The details below say what is missing.", statuses=(403,),
        ),
        ErrorCode(
            "password_required", "This link asks for a password.",
            "Whoever shared it can tell you.", statuses=(401,),
        ),
        ErrorCode(
            "read_only", "This link only shows photos.",
            "Sign in to do more than look.", statuses=(403,),
        ),
        ErrorCode(
            "refused", "The server does not take this from here.",
            "Open ImmichVR by its own address. The details below say which setting changes that.", statuses=(403,),
        ),
        ErrorCode(
            "too_many_requests", "You have asked too often.",
            "Wait a moment; `Retry-After` says how long, and `RateLimit` how much is left.", statuses=(429,),
            retriable=True,
        ),
        ErrorCode(
            "too_many_attempts", "Too many attempts to sign in.",
            "Wait a while, then try again with the right one.", statuses=(429,), retriable=True,
        ),
        # what happens by itself
        ErrorCode(
            "no_address", "Immich cannot be told where this server is.",
            "Whoever runs it should set the address at which Immich reaches it; the details below name the setting.",
            statuses=(409,),
        ),
        ErrorCode(
            "external_library", "This photo's file is in an external library of Immich.",
            "Say that clips may be linked to those too.", statuses=(409,),
        ),
        ErrorCode(
            "has_live_video", "Immich has a video of its own for this photo.", "It is left as it is.", statuses=(409,),
        ),
        ErrorCode("no_clip", "There is no motion clip of this photo yet.", "Make it first.", statuses=(409,)),
        ErrorCode(
            "too_many_clips", "Too many photos of yours move in Immich already.", "Take some off first.",
            statuses=(409,),
        ),
        ErrorCode(
            "immich_full", "Immich has no room left for you.",
            "Remove something there, or ask whoever runs it to raise your limit.", statuses=(507,),
        ),
        ErrorCode(
            "no_workflows", "This library cannot tell of new photos.",
            "That takes Immich, of version 3.0 or newer.", statuses=(409,),
        ),
        # the place
        ErrorCode(
            "too_few_photos", "One photo alone is no place.",
            "Choose more photos of the same place, a video or a live photo; or make 3D of this one.", statuses=(422,),
        ),
        ErrorCode(
            "too_many_photos", "These are too many photos for one place.", "Choose the sharpest of them.",
            statuses=(422,),
        ),
        ErrorCode(
            "no_views", "No pictures with cameras are kept of this.",
            "Make a place of several photos, or of a video; its pictures can be packed.", statuses=(409,),
        ),
        ErrorCode(
            "nothing_to_complete", "There is no 3D here whose gaps could be filled.",
            "Make it first, then fill it.", statuses=(409,),
        ),
        ErrorCode(
            "not_succeeded", "What this would be made of is not there.",
            "Wait until it is done; if it failed, try it again first.", statuses=(409,),
        ),
        ErrorCode(
            "cloud_off", "No service elsewhere is set up to make places.",
            "Choose another method; nothing leaves the house then.", statuses=(409,),
        ),
        ErrorCode(
            "cloud_failed", "The service elsewhere did not make this place.",
            "The details below say what it told. Try again, or make it here.", retriable=True,
        ),
        ErrorCode(
            "filling_off", "Filling what is missing is switched off on this server.",
            "Ask whoever runs it to switch it on.",
        ),
        ErrorCode("invalid_method", "There is no such way to make this.", "Choose another one.", statuses=(422,)),
        ErrorCode("invalid_poses", "Cameras cannot be found like that.", "Choose another way.", statuses=(422,)),
        # the request
        ErrorCode(
            "bad_request", "The server did not understand this request.",
            "Reload the page, then try again.", statuses=(400,),
        ),
        ErrorCode(
            "not_found", "This is not here any more.",
            "It may have been deleted, or you may not be allowed to see it.", statuses=(404,),
        ),
        ErrorCode(
            "method_not_allowed", "The server does not know this request.",
            "Reload the page, then try again.", statuses=(405,),
        ),
        ErrorCode(
            "invalid_request", "The server did not understand this request.",
            "Reload the page, then try again.", statuses=(422,),
        ),
        ErrorCode("invalid_state", "There is no such state of work.", "Choose another one.", statuses=(422,)),
        ErrorCode("invalid_source_kind", "There is no such kind of source.", "Choose another one.", statuses=(422,)),
        ErrorCode("invalid_service", "No such service runs this model.", "Choose another one.", statuses=(422,)),
        ErrorCode("invalid_kind", "There is no such kind of work.", "Choose another one.", statuses=(422,)),
        ErrorCode(
            "invalid_cursor", "This place in the list is not known any more.",
            "Reload the page.", statuses=(422,),
        ),
        ErrorCode("invalid_model", "This model is not known to the server.", "Choose another one.", statuses=(422,)),
        ErrorCode("invalid_format", "This format is not known to the server.", "Choose another one.", statuses=(422,)),
        ErrorCode(
            "invalid_quality", "This quality is not known to the server.",
            "Choose another one.", statuses=(422,),
        ),
        ErrorCode("invalid_option", "This format has no such option.", "Choose another one.", statuses=(422,)),
        ErrorCode("invalid_output", "A video has no such output.", "Choose another one.", statuses=(422,)),
        ErrorCode("invalid_layout", "There is no such layout of stereo.", "Choose another one.", statuses=(422,)),
        ErrorCode("invalid_codec", "Depth videos are not written like that.", "Choose another one.", statuses=(422,)),
        ErrorCode("invalid_path", "The camera has no such way to go.", "Choose another one.", statuses=(422,)),
        ErrorCode("invalid_level", "There is no such level of detail.", "Choose another one.", statuses=(422,)),
        ErrorCode(
            "range_not_satisfiable", "That part of the file does not exist.",
            "Load the whole file again.", statuses=(416,),
        ),
        ErrorCode(
            "search_unavailable", "The library cannot be searched like that.",
            "Search by name instead. The details below say what is switched off.", statuses=(409,),
        ),
        ErrorCode("body_too_large", "The request was too large.", "Ask for less at once.", statuses=(413,)),
        ErrorCode(
            "too_slow", "The request took too long to arrive.",
            "Check your connection, then try again.", statuses=(408,), retriable=True,
        ),
        # models
        ErrorCode(
            "unknown_model", "This model is not known to the server.",
            "Choose another one.", statuses=(404, 422),
        ),
        ErrorCode(
            "licence_required", "The licence of this model has not been accepted.",
            "Read it and accept it under Models, then try again.", statuses=(403,),
        ),
        ErrorCode(
            "consent_required", "The weights of this model are not here.",
            "Download them under Models first, or choose another model.", statuses=(403,),
        ),
        ErrorCode(
            "downloading", "The weights of this model are on their way.",
            "Try again when they are here; Models shows how far they are.", statuses=(409,), retriable=True,
        ),
        ErrorCode(
            "other_licence", "The licence has changed meanwhile.",
            "Read the new one and decide again.", statuses=(409,),
        ),
        ErrorCode(
            "nothing_to_accept", "This model needs nobody to accept its licence.",
            "It can be used as it is.", statuses=(409,),
        ),
        ErrorCode(
            "built_in", "This model is a part of ImmichVR.",
            "There is nothing to download or delete.", statuses=(409,),
        ),
        ErrorCode(
            "busy", "Something else is being done with this model.",
            "Wait until it is over, or cancel it.", statuses=(409,), retriable=True,
        ),
        ErrorCode(
            "already_there", "The weights of this model are here already.",
            "There is nothing to download.", statuses=(409,),
        ),
        ErrorCode("already_loaded", "This model is in memory already.", "It can be used at once.", statuses=(409,)),
        ErrorCode("not_downloaded", "The weights of this model are not here.", "Download them first.", statuses=(409,)),
        ErrorCode("not_loaded", "This model is not in memory.", "There is nothing to give back.", statuses=(409,)),
        ErrorCode(
            "no_network", "The weights could not be fetched.",
            "The server has no way to the model hub. Check its connection, or its mirror and offline settings.",
            retriable=True,
        ),
        ErrorCode(
            "no_space", "There is no space for the weights.",
            "Free some on the server, or have its models kept elsewhere.", retriable=True,
        ),
        ErrorCode(
            "not_writable", "The server may not write where its models are kept.",
            "Whoever runs it can make that directory writable.", retriable=True,
        ),
        ErrorCode(
            "bad_checksum", "What was fetched is not what it should be.",
            "Nothing of it is used. Try again; if it happens every time, the source has changed.", retriable=True,
        ),
        ErrorCode(
            "invalid_weights", "The weights do not fit the network.",
            "Delete the model and download it again.", retriable=True,
        ),
        ErrorCode(
            "not_installed", "This model needs software that is not installed on the server.",
            "Choose another one, or ask whoever runs this server to install it.",
        ),
        # live
        ErrorCode(
            "no_worker", "No worker was free in time.",
            "Try again when the server is less busy.", statuses=(503,), retriable=True,
        ),
        ErrorCode(
            "worker_gone", "The worker of this session has gone.",
            "Begin again.", statuses=(503,), retriable=True,
        ),
        ErrorCode(
            "too_many_sessions", "Too many live sessions are open.",
            "Close one, or try again later.", statuses=(429,), retriable=True,
        ),
        ErrorCode("output_unavailable", "This model cannot show that.", "Choose splats, or another model."),
        ErrorCode(
            "session_over", "This session has lasted as long as one may.",
            "Begin again to go on.", retriable=True,
        ),
        ErrorCode(
            "idle", "Nothing came for a while, so the session was closed.",
            "Begin again to go on.", statuses=(408,), retriable=True,
        ),
        ErrorCode(
            "invalid_message", "The server did not understand this page.",
            "Reload it, then begin again.", statuses=(422,),
        ),
        ErrorCode(
            "too_large", "What was sent is too large.",
            "Choose a lower quality, or something smaller.", statuses=(413,),
        ),
    ),
)  # fmt: skip
"""Every error by its code."""
