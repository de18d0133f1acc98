"""What can be wrong with models and their files."""

from __future__ import annotations

from immichvr_catalog.codes.code import ErrorCode

MODELS = (
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
)  # fmt: skip
