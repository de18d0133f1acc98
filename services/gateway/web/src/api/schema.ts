/**
 * What the gateway's API and its Socket.IO events carry, under the names that the viewer has for it. All of it is in
 * openapi.ts, which is generated from the gateway's own description: `make generated`.
 */
import type { components } from './openapi';

type Schemas = components['schemas'];

export type Batch = Schemas['BatchView'];
export type Job = Schemas['JobView-Output'];
export type JobError = Schemas['JobError'];
export type JobState = Schemas['State'];
export type Photo = Schemas['PhotoView'];
export type Video = Schemas['VideoView'];
export type VideoDetail = Schemas['VideoDetails'];
export type VideoPage = Schemas['VideoPageView'];
export type PhotoDetail = Schemas['PhotoDetails'];
export type PhotoPage = Schemas['PhotoPageView'];
/** Intrinsics in pixels of the photo. */
export type SourceCamera = Pick<
  Schemas['CameraView'],
  'fx' | 'fy' | 'cx' | 'cy' | 'width' | 'height'
>;
export type Asset = Schemas['AssetView'];
export type AssetFile = Schemas['FileView'];
/** Where colour and depth lie in a video that holds both: x, y, width, height, in pixels from the top left. */
export interface RgbdLayout {
  width: number;
  height: number;
  colour: [number, number, number, number];
  depth: [number, number, number, number];
}
export type Parts = Schemas['PartsView'];
export type Scene = Schemas['SceneView'];
export type ScenePage = Schemas['ScenePageView'];
export type SceneDetails = Schemas['SceneDetails'];
/** Where one of a scene's pictures was taken from. */
export type SceneCamera = Schemas['SceneCamera'];
export type WaysToReconstruct = Schemas['WaysView'];
/** Photo id → kind of asset → models that made one. */
export type AssetMap = Schemas['AssetMapView']['map'];
export type Quality = Schemas['SplatRequest']['quality'];
export type Model = Schemas['ModelView'];
export type ModelState = Model['state'];
export type ModelDetails = Schemas['ModelDetails'];
export type ModelList = Schemas['ModelsView'];
/** What may be done with a model. */
export type ModelDeed = Exclude<ModelDetails['possible'][number], 'accept' | 'cancel'>;
/** What is told live about a model. Bytes, bytes per second, seconds; total 0 where it is unknown. */
export type ModelNews = Pick<
  ModelDetails,
  'key' | 'state' | 'done' | 'total' | 'rate' | 'remaining_s' | 'error'
>;
/** A photo or a video. */
export type Item = Photo | Video;
export type Album = Schemas['AlbumView'];
export type Person = Schemas['PersonView'];
/** A town that photos were taken in. */
export type Locality = Schemas['LocalityView'];
export type Memory = Schemas['MemoryView'];
export type Month = Schemas['MonthView'];
/** A photo or a video as a timeline tells of it. */
export type Glimpse = Schemas['GlimpseView'];
/** A job as lists show it, with its place in the queue. */
export type JobShown = Schemas['JobShown'];
export type StandingKey = Schemas['StandingKeyView'];
export type Storage = Schemas['StorageView'];
export type Hook = Schemas['HookView'];
export type HookMade = Schemas['HookMade'];
export type HookEvent = Schemas['HookWanted']['events'][number];
/** Whether photos become 3D by themselves, and how that stands. */
export type Integration = Schemas['IntegrationView'];
export type Rule = Schemas['Rule'];
export type RuleWanted = Partial<Schemas['RuleWanted']>;
export type Rules = Schemas['RulesView'];
/** What came, changed and went in the library. more: more than is named, so that the list is to be read anew. */
export interface LibraryNews {
  there: (Photo | Video)[];
  gone: { kind: string; id: string }[];
  more: boolean;
}
export type SignIn = Schemas['SignInView'];
export type Device = Schemas['DeviceView'];
export type Waiting = Schemas['PairingView'];
export type Invitation = Schemas['InvitationRead'];
export type PairingState = Schemas['PairingState']['state'];
/** What a share link is called, and what it allows. */
export type Share = Schemas['ShareView'];
/** What somebody has set; null, or absent, where nothing is. */
export type MySettings = Schemas['Preferences'];
export type GallerySettings = Schemas['GallerySettings'];
export type Tag = Schemas['TagView'];
export type Config = Schemas['ConfigView'];
export type Credentials = Partial<Schemas['SignIn']>;
/** What the gateway answers where something went wrong; a proxy before it may leave out any of it. */
export type Problem = Partial<Schemas['Problem']>;
