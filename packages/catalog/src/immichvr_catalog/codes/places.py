"""What can keep a set of pictures from becoming a place, and a place from being completed."""

from __future__ import annotations

from immichvr_catalog.codes.code import ErrorCode

PLACES = (
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
        statuses=(422,),
    ),
    ErrorCode(
        "dataset_too_large", "This dataset is too large.",
        "Leave out pictures, or ask whoever runs this server to raise the limit.",
    ),
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
)  # fmt: skip
