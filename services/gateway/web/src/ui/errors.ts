import { ApiError } from '../api/client';
import type { Job, JobKind } from '../api/schema';

/** An error for people: what happened, and what they can do about it. */
export interface Explanation {
  title: string;
  advice: string;
  /** The machine's own words, for those who want them. */
  detail: string;
  retriable: boolean;
}

type Words = [title: string, advice: string];

const JOB: Record<string, Words> = {
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
  invalid_splat: [
    'The 3D file made from this photo is not valid.',
    'Make it again. If it happens every time, please report it.',
  ],
  unsupported_format: [
    'This kind of file cannot be turned into 3D yet.',
    'Export it as JPEG, PNG, WebP, HEIC or TIFF and try with that.',
  ],
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
  source_unavailable: [
    'The original photo could not be fetched.',
    'Check that the library is running and the photo still exists, then try again.',
  ],
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
  internal: [
    'Something went wrong on the server.',
    'Try again. The details below help to report it.',
  ],
};

const HTTP: Record<string, Words> = {
  offline: [
    'The server does not answer.',
    'Check your connection and that ImmichVR is running, then try again.',
  ],
  not_found: [
    'This photo is not here any more.',
    'It may have been deleted, or you may not be allowed to see it.',
  ],
  unauthorized: ['You are signed out.', 'Sign in again to go on.'],
  forbidden: ['You are not allowed to do this.', 'Ask the owner of the photo or of the server.'],
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
  not_permitted: ['You may not do this.', 'Ask an administrator of Immich.'],
  other_licence: ['The licence has changed meanwhile.', 'Read the new one and decide again.'],
  busy: ['Something else is being done with this model.', 'Wait until it is over, or cancel it.'],
  invalid_model: ['This model is not known to the server.', 'Choose another one.'],
  invalid_format: ['This format is not known to the server.', 'Choose another one.'],
  invalid_quality: ['This quality is not known to the server.', 'Choose another one.'],
  too_many_requests: ['Too many requests at once.', 'Wait a moment, then try again.'],
  queue_full: ['The queue is full.', 'Wait until some of the work is done, then try again.'],
  unavailable: ['A part of the server is down.', 'Wait a moment, then try again.'],
};

const FINAL_CODES = new Set(['not_found', 'forbidden', 'invalid_image', 'unsupported_format']);

function words(code: string): Words {
  return JOB[code] ?? HTTP[code] ?? (JOB.internal as Words);
}

/** What a code means, and what can be done about it. */
export const explainCode = (code: string): Words => words(code);

/** Explains why a request failed. */
export function explainError(error: unknown): Explanation {
  if (!(error instanceof ApiError)) {
    const detail = error instanceof Error ? error.message : String(error);
    const [title, advice] = words('internal');
    return { title, advice, detail, retriable: true };
  }
  const [title, advice] = words(error.code);
  const { accepted, down, detail } = error.problem;
  const facts = [
    detail,
    accepted?.length ? `Accepted: ${accepted.join(', ')}` : '',
    down?.length ? `Down: ${down.join(', ')}` : '',
  ];
  return {
    title,
    advice,
    detail: facts.filter(Boolean).join(' · '),
    retriable: !FINAL_CODES.has(error.code),
  };
}

const NOT_MADE: Record<JobKind, string> = {
  splat: '3D could not be made',
  depth: 'Depth could not be made',
  convert: 'The file could not be converted',
};

export const notMade = (kind: JobKind): string => NOT_MADE[kind];

/** Explains why a job failed; null for a job that did not. */
export function explainJob(job: Job): Explanation | null {
  if (job.state !== 'failed') return null;
  const error = job.error ?? { code: 'internal', message: '', retriable: true };
  const [title, advice] = words(error.code);
  return { title, advice, detail: error.message, retriable: error.retriable };
}
