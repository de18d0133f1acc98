/** What happened, and what can be done about it. */
export type Words = [title: string, advice: string];

/** A sentence for every code that the API, a job or a live session may answer with; a test holds the lists together. */
export const WORDS: Record<string, Words> = {
  // the photo
  invalid_image: [
    'This file could not be read as a photo.',
    'It may be damaged or incomplete. Open the original to check it, or upload it again.',
  ],
  image_too_large: [
    'This photo has too many pixels.',
    'Make a smaller copy of it, or ask whoever runs this server to raise the limit.',
  ],
  image_too_small: [
    'This photo has too few pixels to see depth in.',
    'Choose a larger version of it; each side needs at least 32 pixels.',
  ],
  unsupported_format: [
    'This kind of file is not one that can be used here.',
    'The details below say what it is, and what to do. Photos do best as JPEG, PNG, WebP, HEIC or TIFF.',
  ],
  not_flat: [
    'This is a panorama or fisheye photo, not a flat picture.',
    'Such photos are not turned into 3D yet. Choose one that an ordinary lens took.',
  ],
  no_embedded_depth: ['This photo carries no depth of its own.', 'Choose another model.'],
  changed: ['The photo was changed meanwhile.', 'Try again; the new version is used then.'],
  not_ready: [
    'The library has not made this picture yet.',
    'Wait until it has looked at the photo, then try again.',
  ],

  // the 3D files
  invalid_splat: [
    'The 3D file made from this photo is not valid.',
    'Make it again. If it happens every time, please report it.',
  ],
  unsupported_version: [
    'This 3D file has a version that is not known here.',
    'Save it in an older one, or update ImmichVR.',
  ],
  corrupt_object: [
    'A stored file is damaged or lost.',
    'Make it again; the photo is not affected.',
  ],
  lost_object: ['A stored file has gone.', 'Make it again; the photo is not affected.'],
  result_missing: [
    'What was made did not arrive in the storage.',
    'Try again. If it happens every time, whoever runs the server should look at its log.',
  ],
  source_replaced: [
    'The 3D of this photo was made anew meanwhile.',
    'Ask for the file again; it is made from the new one.',
  ],
  nothing_to_convert: ['There is nothing to convert here.', 'Make the 3D of this photo again.'],
  lost: [
    'The server lost track of this work.',
    'Try again. If it happens again, whoever runs the server should look at its log.',
  ],

  // the work
  out_of_memory: [
    'The server ran out of memory while working on this photo.',
    'Try again when it is less busy, or choose a smaller model or the light quality.',
  ],
  worker_crashed: [
    'The program that was working on this photo stopped unexpectedly.',
    'Nothing is lost. Try again.',
  ],
  deadline_exceeded: [
    'This took longer than the server allows.',
    'Try again when the server is less busy, or choose a faster model.',
  ],
  poison: [
    'This photo stopped the worker several times and was set aside.',
    'Trying again is possible; if it fails once more, please report the photo.',
  ],
  cancelled: ['This was cancelled.', 'Ask for it again if you want it after all.'],
  conflict: ['Somebody else changed the same thing at this moment.', 'Try it again.'],
  model_error: [
    'The model could not work with this photo.',
    'Choose another model, or try another photo.',
  ],
  already_ended: ['This is over already.', 'There is nothing left to stop.'],
  not_ended: ['This is still under way.', 'Wait until it is over.'],
  not_known: ['What this consists of is not known any more.', 'Ask for it anew.'],
  not_retriable: ['This cannot be tried again as it is.', 'Ask for it anew.'],
  too_many_jobs: [
    'You have asked for as much as may wait at once.',
    'Wait until some of it is done, then ask for more.',
  ],

  // the server
  storage_full: [
    'The storage of the server is full.',
    'Nothing is lost. Once there is room again, the work goes on.',
  ],
  storage_refused: [
    'The storage refuses the server.',
    'Whoever runs it should check its keys and rights for the storage.',
  ],
  clock_skew: [
    'The clocks of the server and its storage differ too much.',
    'Whoever runs it should set them right.',
  ],
  unavailable: ['A part of the server is down.', 'Wait a moment, then try again.'],
  internal: [
    'Something went wrong on the server.',
    'Try again. The details below help to report it.',
  ],
  offline: [
    'The server does not answer.',
    'Check your connection and that ImmichVR is running, then try again.',
  ],

  // who may
  unauthorized: ['You are signed out.', 'Sign in again to go on.'],
  forbidden: ['You are not allowed to do this.', 'Ask the owner of the photo or of the server.'],
  not_permitted: ['Immich does not let you do this.', 'The details below say what is missing.'],
  refused: [
    'The server does not take this from here.',
    'Open ImmichVR by its own address. The details below say which setting changes that.',
  ],
  too_many_attempts: [
    'Too many attempts to sign in.',
    'Wait a while, then try again with the right one.',
  ],
  too_many_requests: ['Too many requests at once.', 'Wait a moment, then try again.'],

  // the request
  not_found: [
    'This is not here any more.',
    'It may have been deleted, or you may not be allowed to see it.',
  ],
  method_not_allowed: [
    'The server does not know this request.',
    'Reload the page, then try again.',
  ],
  invalid_request: [
    'The server did not understand this request.',
    'Reload the page, then try again.',
  ],
  invalid_state: ['There is no such state of work.', 'Choose another one.'],
  invalid_cursor: ['This place in the list is not known any more.', 'Reload the page.'],
  invalid_model: ['This model is not known to the server.', 'Choose another one.'],
  invalid_format: ['This format is not known to the server.', 'Choose another one.'],
  invalid_quality: ['This quality is not known to the server.', 'Choose another one.'],
  invalid_option: ['This format has no such option.', 'Choose another one.'],
  invalid_level: ['There is no such level of detail.', 'Choose another one.'],
  range_not_satisfiable: ['That part of the file does not exist.', 'Load the whole file again.'],
  body_too_large: ['The request was too large.', 'Ask for less at once.'],
  too_slow: ['The request took too long to arrive.', 'Check your connection, then try again.'],

  // models
  unknown_model: ['This model is not known to the server.', 'Choose another one.'],
  licence_required: [
    'The licence of this model has not been accepted.',
    'Read it and accept it under Models, then try again.',
  ],
  consent_required: [
    'The weights of this model are not here.',
    'Download them under Models first, or choose another model.',
  ],
  downloading: [
    'The weights of this model are on their way.',
    'Try again when they are here; Models shows how far they are.',
  ],
  other_licence: ['The licence has changed meanwhile.', 'Read the new one and decide again.'],
  nothing_to_accept: ['This model needs nobody to accept its licence.', 'It can be used as it is.'],
  built_in: ['This model is a part of ImmichVR.', 'There is nothing to download or delete.'],
  busy: ['Something else is being done with this model.', 'Wait until it is over, or cancel it.'],
  already_there: ['The weights of this model are here already.', 'There is nothing to download.'],
  already_loaded: ['This model is in memory already.', 'It can be used at once.'],
  not_downloaded: ['The weights of this model are not here.', 'Download them first.'],
  not_loaded: ['This model is not in memory.', 'There is nothing to give back.'],
  no_network: [
    'The weights could not be fetched.',
    'The server has no way to the model hub. Check its connection, or its mirror and offline settings.',
  ],
  no_space: [
    'There is no space for the weights.',
    'Free some on the server, or have its models kept elsewhere.',
  ],
  not_writable: [
    'The server may not write where its models are kept.',
    'Whoever runs it can make that directory writable.',
  ],
  bad_checksum: [
    'What was fetched is not what it should be.',
    'Nothing of it is used. Try again; if it happens every time, the source has changed.',
  ],
  invalid_weights: [
    'The weights do not fit the network.',
    'Delete the model and download it again.',
  ],
  not_installed: [
    'This model needs software that is not installed on the server.',
    'Choose another one, or ask whoever runs this server to install it.',
  ],

  // live
  no_worker: ['No worker was free in time.', 'Try again when the server is less busy.'],
  worker_gone: ['The worker of this session has gone.', 'Begin again.'],
  too_many_sessions: ['Too many live sessions are open.', 'Close one, or try again later.'],
  output_unavailable: ['This model cannot show that.', 'Choose splats, or another model.'],
  session_over: ['This session has lasted as long as one may.', 'Begin again to go on.'],
  idle: ['Nothing came for a while, so the session was closed.', 'Begin again to go on.'],
  invalid_message: ['The server did not understand this page.', 'Reload it, then begin again.'],
  too_large: ['What was sent is too large.', 'Choose a lower quality, or something smaller.'],
};

/** The words for a code; a code of a newer server than this page gets those of its kind. */
export function wordsFor(code: string): Words {
  const kind = code.startsWith('invalid_') ? 'invalid_request' : 'internal';
  return WORDS[code] ?? (WORDS[kind] as Words);
}
