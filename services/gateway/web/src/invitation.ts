import type { Api } from './api/client';
import { ApiError } from './api/client';

export interface Invitation {
  id: string;
  secret: string;
}

/** What a QR code of `immichvr up --tls` leads to; null for any other address. */
export function parseInvitation(hash: string): Invitation | null {
  const match = /^#\/invitation\/([\w-]{1,64})\/(\d{6}\.[\w-]{43})$/.exec(hash);
  return match?.[1] && match[2] ? { id: match[1], secret: match[2] } : null;
}

/** Takes an invitation out of the address, so that neither history nor a bookmark keeps it. */
export function takeInvitation(): Invitation | null {
  const found = parseInvitation(location.hash);
  if (found) history.replaceState(null, '', location.pathname + location.search);
  return found;
}

/** Whether it let this device in: it does so once. */
export async function accept(api: Api, { id, secret }: Invitation): Promise<boolean> {
  try {
    return (await api.pairingState(id, secret)) === 'signed_in';
  } catch (error) {
    // Whoever is not let in is asked to sign in.
    if (!(error instanceof ApiError)) throw error;
    return false;
  }
}
