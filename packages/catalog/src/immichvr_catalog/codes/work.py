"""What can go wrong while something is made, and with the servers that make it."""

from __future__ import annotations

from immichvr_catalog.codes.code import ErrorCode

WORK = (
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
)  # fmt: skip
