import type { DoorClass } from './door';
import type {
  Hook,
  HookEvent,
  HookMade,
  Integration,
  Rules,
  RuleWanted,
  StandingKey,
  Storage,
} from './schema';

/** What is done while nobody is here: rules, keys for one's absence, webhooks, storage. */
export const withAutomation = <B extends DoorClass>(Base: B) =>
  class extends Base {
    integration(): Promise<Integration> {
      return this.get('/api/integrations/immich');
    }

    async beginIntegration(wanted: {
      rules?: RuleWanted[];
      pointer: boolean;
      tag: boolean;
      motion_clips: boolean;
      external_clips: boolean;
    }): Promise<Integration> {
      return (await this.send('POST', '/api/integrations/immich', wanted)).json();
    }

    async endIntegration(undo: boolean): Promise<Integration> {
      return (await this.send('DELETE', `/api/integrations/immich?undo=${undo}`)).json();
    }

    absence(): Promise<StandingKey> {
      return this.get('/api/me/standing-key');
    }

    /** Has Immich make a key for work while nobody is here. */
    async allowAbsence(write_back: boolean): Promise<StandingKey> {
      return (await this.send('POST', '/api/me/standing-key', { write_back })).json();
    }

    async endAbsence(): Promise<StandingKey> {
      return (await this.send('DELETE', '/api/me/standing-key')).json();
    }

    async hooks(): Promise<Hook[]> {
      return (await this.get<{ webhooks: Hook[] }>('/api/webhooks')).webhooks;
    }

    /** The answer alone tells the secret. */
    async addHook(url: string, events: HookEvent[]): Promise<HookMade> {
      return (await this.send('POST', '/api/webhooks', { url, events })).json();
    }

    async deleteHook(id: string): Promise<void> {
      await this.send('DELETE', `/api/webhooks/${encodeURIComponent(id)}`);
    }

    storage(): Promise<Storage> {
      return this.get('/api/storage');
    }

    /** Deletes some of what rules have had made; `left` says how much there is still. */
    async deleteMadeByRules(): Promise<{ deleted: number; left: number }> {
      return (await this.send('DELETE', '/api/integrations/immich/assets')).json();
    }

    /** The id in Immich of the motion clip that a photo has there; null for none. */
    async clipInImmich(id: string): Promise<string | null> {
      return (await this.get<{ clip: string | null }>(clipOf(id))).clip;
    }

    /** external: also where the photo's file is in an external library. */
    async linkClip(id: string, external: boolean): Promise<void> {
      await this.send('PUT', `${clipOf(id)}?external=${external}`);
    }

    async unlinkClip(id: string): Promise<void> {
      await this.send('DELETE', clipOf(id));
    }

    /** Takes all motion clips off one's photos in Immich. */
    async unlinkClips(): Promise<Integration> {
      return (await this.send('DELETE', '/api/integrations/immich/clips')).json();
    }

    rules(): Promise<Rules> {
      return this.get('/api/rules');
    }
  };

const clipOf = (id: string): string => `/api/integrations/immich/clips/${encodeURIComponent(id)}`;
