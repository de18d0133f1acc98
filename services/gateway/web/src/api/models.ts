import type { DoorClass } from './door';
import type { ModelDeed, ModelDetails, ModelList } from './schema';

/** The models: which there are, their licences, their files. */
export const withModels = <B extends DoorClass>(Base: B) =>
  class extends Base {
    models(): Promise<ModelList> {
      return this.get('/api/models');
    }

    model(key: string): Promise<ModelDetails> {
      return this.get(`/api/models/${encodeURIComponent(key)}`);
    }

    async acceptLicence(key: string, licence: string): Promise<void> {
      await this.send('POST', `/api/models/${encodeURIComponent(key)}/accept`, { licence });
    }

    async manageModel(key: string, deed: ModelDeed): Promise<void> {
      const path = `/api/models/${encodeURIComponent(key)}`;
      if (deed === 'delete') await this.send('DELETE', path);
      else await this.send('POST', `${path}/${deed}`);
    }
  };
