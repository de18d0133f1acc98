/** What the gateway's HTTP API and Socket.IO events carry. */

export type JobKind = 'depth' | 'splat' | 'convert';
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

export interface Model {
  key: string;
  makes: ('depth' | 'splat')[];
  name: string;
  state: 'ready' | 'downloadable' | 'downloading' | 'unavailable';
  licence: string;
  commercial_use: boolean;
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
