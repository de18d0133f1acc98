/** What the gateway's HTTP API and Socket.IO events carry. */

export type JobKind = 'depth' | 'splat' | 'convert';
/** Jobs about models, which belong to no photo. */
export type ModelJobKind = `model-${ModelDeed}`;
export type JobState = 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled';
export type Quality = 'full' | 'light';
export type SplatFormat = 'ply' | 'compressed-ply' | 'splat' | 'ksplat' | 'spz' | 'sog' | 'glb';

export interface JobError {
  code: string;
  message: string;
  retriable: boolean;
}

export interface Job {
  id: string;
  kind: JobKind;
  photo_id: string;
  params: { model?: string; quality?: string; format?: string };
  state: JobState;
  run: number;
  attempts: number;
  progress: { fraction: number; stage: string; message: string };
  error: JobError | null;
  outputs: string[];
  created_at: string;
  updated_at: string;
}

export interface Photo {
  id: string;
  name: string;
  width: number | null;
  height: number | null;
  taken_at: string | null;
  thumbnail: string;
  original: string;
  badges: { depth: boolean; splat: boolean };
  job: Job | null;
  external_url: string | null;
}

export interface PhotoDetail extends Photo {
  assets: Asset[];
}

export interface PhotoPage {
  items: Photo[];
  next_cursor: string | null;
}

/** Intrinsics in pixels of the photo. */
export interface SourceCamera {
  fx: number;
  fy: number;
  cx: number;
  cy: number;
  width: number;
  height: number;
}

export interface AssetFile {
  name: string;
  role: 'splat' | 'depth' | 'disparity' | 'background' | 'background-disparity' | (string & {});
  format: string;
  variant: Quality | null;
  size: number;
  sha256: string;
  media_type: string;
  url: string;
  download_name: string;
}

export interface Asset {
  key: string;
  kind: 'splat' | 'depth';
  model_key: string;
  requested_model: string;
  reason: string;
  metric: boolean;
  outdated: boolean;
  created_at: string;
  camera: SourceCamera | null;
  depth: { near: number; far: number; metric: boolean } | null;
  timings: Record<string, number>;
  losses: string[];
  files: AssetFile[];
}

export type ModelState =
  | 'needs_licence'
  | 'downloadable'
  | 'unavailable'
  | 'downloading'
  | 'failed'
  | 'ready'
  | 'loading'
  | 'loaded';

export interface Model {
  key: string;
  makes: ('depth' | 'splat' | 'points' | 'poses')[];
  name: string;
  state: ModelState;
  /** Whether a photo can be given to it without another yes. */
  usable: boolean;
  licence: string;
  commercial_use: boolean;
}

export type ModelDeed = 'download' | 'load' | 'unload' | 'delete';

/** What is told live about a model. Bytes, bytes per second, seconds; total 0 where it is unknown. */
export interface ModelNews {
  key: string;
  state: ModelState;
  done: number;
  total: number;
  rate: number;
  remaining_s: number | null;
  error: JobError | null;
}

export interface ModelDetails extends Omit<Model, 'licence' | 'usable'>, ModelNews {
  metric: boolean;
  built_in: boolean;
  size: number | null;
  licence: { name: string; url: string; permissive: boolean };
  accepted: { name: string; at: string } | null;
  /** What is under way about it. */
  job: Job | null;
  /** What this person may do with it now. */
  possible: (ModelDeed | 'accept' | 'cancel')[];
}

export interface ModelList {
  models: ModelDetails[];
  may_manage: boolean;
}

export interface Config {
  version: string;
  library: 'folder' | 'immich';
  authenticated: boolean;
  immich_external_url: string | null;
  models: Model[];
  /** What may be asked for, `auto` first. Depth of model K is lifted to splats by `lift-K`. */
  depth_models: string[];
  splat_models: string[];
  formats: SplatFormat[];
  qualities: Quality[];
}

export type Credentials =
  | { api_key: string }
  | { email: string; password: string }
  | { token: string };

/** RFC 9457 problem details as the gateway sends them. */
export interface Problem {
  title?: string;
  status?: number;
  detail?: string;
  code?: string;
  accepted?: string[];
  down?: string[];
}

export type AssetMap = Record<string, { depth?: string[]; splat?: string[] }>;
