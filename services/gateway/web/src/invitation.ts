import type { Api } from './api/client';
import { ApiError } from './api/client';
import type { Invitation } from './api/schema';

/** What a QR code of `immichvr up --tls` leads to; null for any other address. */
export function parseInvitation(hash: string): Invitation | null {
  const match = /^#\/invitation\/([\w-]{1,64})\/([\w-]{43})$/.exec(hash);
  return match?.[1] && match[2] ? { id: match[1], secret: match[2] } : null;
}

/** Takes an invitation out of the address, so that neither history nor a bookmark keeps it. */
export function takeInvitation(): Invitation | null {
  const found = parseInvitation(location.hash);
  if (found) history.replaceState(null, '', location.pathname + location.search);
  return found;
}

/**
 * Whether it let this device in: it does so once, and only after its person has agreed to be signed in as that
 * one; an address that somebody sends may lead into an account of theirs.
 */
export async function accept(
  api: Pick<Api, 'inviter' | 'pairingState'>,
  invitation: Invitation,
  ask: (name: string) => Promise<boolean>,
): Promise<boolean> {
  try {
    if (!(await ask(await api.inviter(invitation)))) return false;
    return (await api.pairingState(invitation.id, invitation.secret)) === 'signed_in';
  } catch (error) {
    // Whoever is not let in is asked to sign in.
    if (!(error instanceof ApiError)) throw error;
    return false;
  }
}
